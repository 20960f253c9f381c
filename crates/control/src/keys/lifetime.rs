//! How long a new key lives: as its creator chose, within the organization's maximum.

use std::time::Duration;

use reoclo_domain::{Lifetime, MaximumLifetime, counted};

use crate::InvalidFields;

const FIELD: &str = "expires_in";

/// The chosen length; `None` is without an end, or a problem that was noted.
pub(super) fn chosen(
    text: &str,
    maximum: Option<MaximumLifetime>,
    invalid: &mut InvalidFields,
) -> Option<Duration> {
    let lifetime = match text.parse::<Lifetime>() {
        Ok(lifetime) => lifetime.duration(),
        Err(problem) => {
            invalid.add(FIELD, problem.to_string());
            return None;
        }
    };
    if let Some(maximum) = maximum.filter(|maximum| !maximum.allows(lifetime)) {
        invalid.add(FIELD, too_long(maximum));
    }
    lifetime
}

fn too_long(maximum: MaximumLifetime) -> String {
    let choices: Vec<&str> = maximum.choices().map(Lifetime::as_str).collect();
    let advice = if choices.is_empty() {
        "ask an admin to raise it".to_owned()
    } else {
        format!("use {}", choices.join(" or "))
    };
    let days = maximum.days();
    format!(
        "is longer than the {} that the organization allows: {advice}",
        counted(days, "day")
    )
}

/// The length of a copy's life: that of the original, cut to the organization's maximum.
pub(super) fn copied(
    original: Option<Duration>,
    maximum: Option<MaximumLifetime>,
) -> Option<Duration> {
    match maximum {
        None => original,
        Some(maximum) => Some(maximum.cap(original)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str, maximum: u32) -> String {
        let mut invalid = InvalidFields::default();
        chosen(text, Some(MaximumLifetime::of_days(maximum)), &mut invalid);
        invalid.to_string()
    }

    #[test]
    fn what_is_longer_than_the_maximum_is_told_what_fits() {
        assert_eq!(problem("30d", 30), "");
        assert_eq!(
            problem("never", 90),
            "expires_in is longer than the 90 days that the organization allows: use 30d or 90d"
        );
        assert_eq!(
            problem("30d", 7),
            "expires_in is longer than the 7 days that the organization allows: ask an admin to \
             raise it"
        );
        assert!(problem("2d", 7).starts_with("expires_in is not a lifetime"));
    }

    #[test]
    fn a_copy_lives_as_long_as_the_original_but_not_longer_than_allowed() {
        let days = |days: u64| Duration::from_hours(24 * days);
        let maximum = Some(MaximumLifetime::of_days(60));
        assert_eq!(copied(Some(days(90)), None), Some(days(90)));
        assert_eq!(copied(None, None), None);
        assert_eq!(copied(Some(days(90)), maximum), Some(days(60)));
        assert_eq!(copied(None, maximum), Some(days(60)));
        assert_eq!(copied(Some(days(30)), maximum), Some(days(30)));
    }
}
