//! What a client tells about the run that an operation belongs to.

use std::collections::BTreeMap;

use reoclo_dispatch::Run;
use serde_json::json;

use crate::InvalidFields;

const MAX_RUN_ID_CHARS: usize = 256;
const MAX_CONTEXT_KEYS: usize = 32;
const MAX_CONTEXT_VALUE_BYTES: usize = 1024;
const MAX_CONTEXT_BYTES: usize = 4 * 1024;

/// The run that an operation belongs to, not yet checked.
#[derive(Clone, Debug, Default)]
pub struct RunNote {
    /// The CI run's id.
    pub run_id: Option<String>,
    /// Where the run comes from.
    pub run_context: BTreeMap<String, String>,
}

impl RunNote {
    pub(super) fn check(&self, invalid: &mut InvalidFields) {
        if let Some(run_id) = &self.run_id {
            if run_id.chars().count() > MAX_RUN_ID_CHARS {
                invalid.add("run_id", "must be at most 256 characters");
            }
            if run_id.contains('\0') {
                invalid.add("run_id", "must not contain NUL");
            }
        }
        check_context(&self.run_context, invalid);
    }

    /// As it may be stored. Call this only when [`Self::check`] found nothing.
    pub(super) fn checked(self, masked: impl Fn(&str) -> String) -> Run {
        let context: BTreeMap<String, String> = self
            .run_context
            .iter()
            .map(|(name, value)| (masked(name), masked(value)))
            .collect();
        Run {
            id: self
                .run_id
                .filter(|id| !id.is_empty())
                .map(|id| masked(&id)),
            context: (!context.is_empty()).then(|| json!(context)),
        }
    }
}

fn check_context(context: &BTreeMap<String, String>, invalid: &mut InvalidFields) {
    if context.len() > MAX_CONTEXT_KEYS {
        invalid.add("run_context", "must have at most 32 entries");
    }
    if context
        .values()
        .any(|value| value.len() > MAX_CONTEXT_VALUE_BYTES)
    {
        invalid.add("run_context", "must have values of at most 1 KiB");
    }
    let bytes: usize = context
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MAX_CONTEXT_BYTES {
        invalid.add("run_context", "must be at most 4 KiB together");
    }
    if context
        .iter()
        .any(|(name, value)| name.contains('\0') || value.contains('\0'))
    {
        invalid.add("run_context", "must not contain NUL");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(run_context: BTreeMap<String, String>) -> String {
        let mut invalid = InvalidFields::default();
        let note = RunNote {
            run_context,
            ..RunNote::default()
        };
        note.check(&mut invalid);
        invalid.to_string()
    }

    #[test]
    fn run_context_is_bounded() {
        let long = BTreeMap::from([("sha".to_owned(), "x".repeat(1025))]);
        assert!(problem(long).starts_with("run_context "));
        let many = (0..33).map(|n| (format!("k{n}"), String::new())).collect();
        assert!(problem(many).starts_with("run_context "));
        assert_eq!(problem(BTreeMap::new()), "");
    }
}
