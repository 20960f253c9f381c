//! Checks that fields of many requests have in common.

use std::fmt::Display;
use std::str::FromStr;

use reoclo_domain::hides_something;
use reoclo_domain::masking::masked_shapes;

use crate::{InvalidFields, Refusal};

const MAX_DESCRIPTION_CHARS: usize = 500;

impl InvalidFields {
    /// What the text stands for, or that it stands for nothing.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&mut self, field: &str, text: &str) -> Option<T> {
        let parsed = text.parse();
        parsed
            .inspect_err(|problem: &T::Err| self.add(field, problem.to_string()))
            .ok()
    }

    /// The `description` of something, in lines; an empty text is none.
    pub(crate) fn note(&mut self, text: &str) -> Option<String> {
        let problem = if text.chars().count() > MAX_DESCRIPTION_CHARS {
            Some("must be at most 500 characters")
        } else if text.split('\n').any(hides_something) {
            Some("must not contain control, text-direction or invisible characters")
        } else if masked_shapes(text) != text {
            Some("must not contain a key, a token or a password")
        } else {
            None
        };
        if let Some(problem) = problem {
            self.add("description", problem);
        }
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    /// What the fields make, when none of them has a problem: then it is there.
    pub(crate) fn complete<T>(self, made: Option<T>) -> Result<T, Refusal> {
        match made {
            Some(made) if self.fields().is_empty() => Ok(made),
            _ => Err(Refusal::InvalidRequest(self)),
        }
    }
}
