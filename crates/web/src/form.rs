//! What was wrong with a form, as its page says it.

use std::collections::BTreeMap;

use http::StatusCode;
use reoclo_control::Refusal;
use reoclo_http::ApiError;

/// What is wrong with each field, as sentences.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    fields: BTreeMap<String, String>,
    general: Option<String>,
    status: StatusCode,
}

impl Problems {
    /// What the form's page can say; other refusals are answered as such.
    pub(crate) fn of(refusal: Refusal) -> Result<Self, ApiError> {
        let general = |refusal: &Refusal, status| {
            Ok(Self {
                fields: BTreeMap::new(),
                general: Some(sentence(&refusal.to_string())),
                status,
            })
        };
        match &refusal {
            Refusal::InvalidRequest(invalid) => Ok(Self {
                fields: invalid.fields().clone(),
                general: None,
                status: StatusCode::UNPROCESSABLE_ENTITY,
            }),
            Refusal::Conflict(_) | Refusal::ServerUnreachable => {
                general(&refusal, StatusCode::CONFLICT)
            }
            Refusal::InvalidCredentials | Refusal::TemporaryPasswordExpired => {
                general(&refusal, StatusCode::UNAUTHORIZED)
            }
            Refusal::Busy => general(&refusal, StatusCode::SERVICE_UNAVAILABLE),
            Refusal::TooManyAttempts { .. } | Refusal::ServerBusy { .. } => {
                general(&refusal, StatusCode::TOO_MANY_REQUESTS)
            }
            _ => Err(refusal.into()),
        }
    }

    /// The status of the page that shows them.
    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.about(name).next().is_some()
    }

    /// What is wrong with a field, or with entries of it.
    pub(crate) fn of_field(&self, name: &str) -> Option<String> {
        let texts: Vec<String> = self
            .about(name)
            .map(|(place, problem)| match place {
                Some(place) => format!("Entry {place} {problem}."),
                None => format!("This {problem}."),
            })
            .collect();
        (!texts.is_empty()).then(|| texts.join(" "))
    }

    /// What is wrong with the whole of a field, and not with a part of it.
    pub(crate) fn of_exactly(&self, name: &str) -> Option<String> {
        let problem = self.fields.get(name)?;
        Some(format!("This {problem}."))
    }

    /// What is wrong with none of these fields in particular.
    pub(crate) fn general(&self) -> Option<&str> {
        self.general.as_deref()
    }

    /// Problems of `name`, `name[2]` and `name.part`, with the place in a list from 1.
    fn about<'p>(&'p self, name: &'p str) -> impl Iterator<Item = (Option<String>, &'p str)> {
        self.fields.iter().filter_map(move |(field, problem)| {
            let rest = field.strip_prefix(name)?;
            if rest.is_empty() {
                return Some((None, problem.as_str()));
            }
            if let Some(part) = rest.strip_prefix('.') {
                return Some((Some(part.to_owned()), problem.as_str()));
            }
            let place = rest.strip_prefix('[')?.strip_suffix(']')?;
            let place: usize = place.parse().ok()?;
            Some((Some((place + 1).to_string()), problem.as_str()))
        })
    }
}

/// With a capital at its beginning and a stop at its end.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let stop = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{stop}", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use reoclo_control::InvalidFields;

    use super::*;

    #[test]
    fn entries_of_a_list_are_counted_as_people_do() {
        let mut invalid = InvalidFields::default();
        invalid.add("ip_allowlist[1]", "is no network");
        invalid.add("name", "is missing");
        let problems = Problems::of(Refusal::InvalidRequest(invalid)).unwrap();
        let listed = problems.of_field("ip_allowlist").unwrap();
        assert_eq!(listed, "Entry 2 is no network.");
        assert_eq!(problems.of_field("name").unwrap(), "This is missing.");
        assert!(!problems.has("ip"));
        assert_eq!(sentence("not now"), "Not now.");
    }
}
