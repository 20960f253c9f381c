//! Moments as people read them: relative, with the exact one on hover.

use std::time::Duration;

use askama::filters::Safe;
use reoclo_domain::{Timestamp, counted};

/// A moment, seen from now. Writes a `<time>` whose text is only words and digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) now: Timestamp,
}

impl Moment {
    pub(crate) const fn countdown(self) -> Countdown {
        Countdown(self)
    }

    /// As templates write it. A moment has no `Display`: what templates write so is text of others,
    /// and its element would be shown as text.
    pub(crate) fn html(&self) -> Safe<String> {
        self.element("data-relative")
    }

    fn element(self, kind: &str) -> Safe<String> {
        let (at, exact) = (self.at, exact(self.at));
        let relative = relative(self.at, self.now);
        Safe(format!(
            r#"<time datetime="{at}" title="{exact}" {kind}>{relative}</time>"#
        ))
    }

    /// The day in UTC.
    pub(crate) fn day(&self) -> String {
        day(self.at)
    }
}

/// A moment to come, to the second where there is a script. Writes a `<time>` whose text is only
/// words and digits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Countdown(Moment);

impl Countdown {
    /// As templates write it.
    pub(crate) fn html(self) -> Safe<String> {
        self.0.element("data-countdown")
    }
}

/// The day in UTC, as `2026-01-31`.
pub(crate) fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The moment to the second, in UTC.
pub(crate) fn exact(at: Timestamp) -> String {
    let text = at.to_string();
    let (day, time) = text.split_once('T').unwrap_or((&text, ""));
    let time = time.get(..8).unwrap_or_default();
    format!("{day} {time} UTC")
}

/// As the script says it, so that nothing jumps when it does.
fn relative(at: Timestamp, now: Timestamp) -> String {
    let (length, is_past) = if at <= now {
        (now.since(at), true)
    } else {
        (at.since(now), false)
    };
    match (words(length, is_past), is_past) {
        (None, true) => "just now".to_owned(),
        (None, false) => "in less than a minute".to_owned(),
        (Some(words), true) => format!("{words} ago"),
        (Some(words), false) => format!("in {words}"),
    }
}

/// From 120 days on.
const MONTHS_FROM: u64 = 10_368_000;

/// The largest unit that fits; none is less than a minute. What is to come is told to the nearest
/// unit: a key made for 90 days ends in 90 days, a moment later too.
fn words(length: Duration, is_past: bool) -> Option<String> {
    const UNITS: [(&str, u64); 5] = [
        ("year", 31_536_000),
        ("month", 2_592_000),
        ("day", 86_400),
        ("hour", 3_600),
        ("minute", 60),
    ];
    let seconds = length.as_secs();
    // Months are vague, so that days are counted while they can be pictured.
    let fits = |(unit, size): &(&str, u64)| {
        let least = if *unit == "month" { MONTHS_FROM } else { *size };
        seconds >= least
    };
    let (unit, size) = UNITS.into_iter().find(fits)?;
    let count = if is_past {
        seconds / size
    } else {
        (seconds + size / 2) / size
    };
    Some(counted(count, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_the_largest_unit_that_fits() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let ago = |seconds| relative(now.minus(Duration::from_secs(seconds)), now);
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(59), "just now");
        assert_eq!(ago(60), "1 minute ago");
        assert_eq!(ago(7_200), "2 hours ago");
        assert_eq!(ago(86_400 * 90), "90 days ago");
        assert_eq!(ago(86_400 * 135), "4 months ago");
        let later = relative(now.plus(Duration::from_hours(72)), now);
        assert_eq!(later, "in 3 days");
        let nearly = relative(now.plus(Duration::from_secs(86_400 * 90 - 5)), now);
        assert_eq!(nearly, "in 90 days");
        assert_eq!(exact(now), "2023-11-14 22:13:20 UTC");
    }
}
