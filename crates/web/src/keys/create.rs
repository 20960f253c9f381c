//! What the forms of new keys have in common.

use reoclo_domain::{Lifetime, MaximumLifetime};
use reoclo_http::FormFields;

/// The mark of the form.
pub(super) fn once(fields: &FormFields) -> Option<String> {
    fields.filled("once").map(str::to_owned)
}

/// Every lifetime, with whether the organization allows it.
pub(super) fn lifetimes(maximum_days: Option<u32>) -> Vec<(Lifetime, bool)> {
    let maximum = maximum_days.map(MaximumLifetime::of_days);
    let is_allowed =
        |lifetime: Lifetime| maximum.is_none_or(|most| most.allows(lifetime.duration()));
    Lifetime::ALL
        .map(|lifetime| (lifetime, is_allowed(lifetime)))
        .into()
}

/// What a new key lives when nothing else is chosen: 90 days, or the longest that is allowed.
pub(super) fn usual_lifetime(lifetimes: &[(Lifetime, bool)]) -> &'static str {
    let longest = lifetimes.iter().rev().find(|(_, is_allowed)| *is_allowed);
    let usual = lifetimes
        .iter()
        .find(|choice| **choice == (Lifetime::Quarter, true));
    usual
        .or(longest)
        .map_or("", |(lifetime, _)| lifetime.as_str())
}
