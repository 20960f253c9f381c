//! Moments on the wire and in the database.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// A moment in UTC with microsecond precision.
///
/// Stored as microseconds since 1970-01-01 and written as RFC 3339 with `Z` and always six
/// decimals, so that texts sort as the moments do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment from microseconds since 1970-01-01.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The moment `duration` later; saturates at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// The moment `duration` earlier; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// How long `self` is after `earlier`; zero when it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The day that it is in UTC, in days since 1970-01-01.
    pub const fn utc_day(self) -> i64 {
        self.0.div_euclid(MICROS_OF_A_DAY)
    }

    /// When the span of this length begins in which the moment lies; spans are counted from 1970.
    #[must_use]
    pub fn begin_of(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(self.0.rem_euclid(micros(span).max(1))),
        )
    }
}

const MICROS_OF_A_DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => write!(f, "{}", moment.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")),
            Err(_) => write!(f, "9999-12-31T23:59:59.999999Z"),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_with_six_decimals_even_when_they_are_zero() {
        assert_eq!(
            Timestamp::from_micros(1_700_000_000_000_000).to_string(),
            "2023-11-14T22:13:20.000000Z"
        );
        assert_eq!(
            Timestamp::from_micros(1_700_000_000_000_042).to_string(),
            "2023-11-14T22:13:20.000042Z"
        );
    }

    #[test]
    fn a_moment_out_of_range_is_still_a_moment() {
        assert_eq!(
            Timestamp::from_micros(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999999Z"
        );
    }

    #[test]
    fn a_day_begins_at_midnight_also_before_1970() {
        let day = |micros| Timestamp::from_micros(micros).utc_day();
        assert_eq!((day(-1), day(0)), (-1, 0));
        assert_eq!((day(86_399_999_999), day(86_400_000_000)), (0, 1));
    }

    #[test]
    fn since_never_goes_below_zero() {
        let early = Timestamp::from_micros(5);
        assert_eq!(
            early.since(early.plus(Duration::from_secs(1))),
            Duration::ZERO
        );
    }
}
