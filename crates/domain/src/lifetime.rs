//! How long a new key lives.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// The lifetimes that a person can choose for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifetime {
    /// 30 days.
    Month,
    /// 90 days.
    Quarter,
    /// 365 days.
    Year,
    /// Without an end.
    Never,
}

/// The text names no lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a lifetime: use 30d, 90d, 1y or never")]
pub struct UnknownLifetime;

impl Lifetime {
    /// Every lifetime, the shortest first.
    pub const ALL: [Self; 4] = [Self::Month, Self::Quarter, Self::Year, Self::Never];

    /// The lifetime's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "30d",
            Self::Quarter => "90d",
            Self::Year => "1y",
            Self::Never => "never",
        }
    }

    /// How long it is; `None` is without an end.
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Month => Some(Duration::from_hours(30 * 24)),
            Self::Quarter => Some(Duration::from_hours(90 * 24)),
            Self::Year => Some(Duration::from_hours(365 * 24)),
            Self::Never => None,
        }
    }
}

impl fmt::Display for Lifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Lifetime {
    type Err = UnknownLifetime;

    fn from_str(text: &str) -> Result<Self, UnknownLifetime> {
        Self::ALL
            .into_iter()
            .find(|lifetime| lifetime.as_str() == text)
            .ok_or(UnknownLifetime)
    }
}

/// The longest life that an organization allows its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaximumLifetime {
    days: u32,
}

impl MaximumLifetime {
    /// A maximum of this many days.
    pub const fn of_days(days: u32) -> Self {
        Self { days }
    }

    /// The maximum in days.
    pub const fn days(self) -> u32 {
        self.days
    }

    /// Whether a life of this length is within the maximum; one without an end is not.
    pub fn allows(self, lifetime: Option<Duration>) -> bool {
        lifetime.is_some_and(|lifetime| lifetime <= self.duration())
    }

    /// The lifetimes that are within the maximum, the shortest first.
    pub fn choices(self) -> impl Iterator<Item = Lifetime> {
        Lifetime::ALL
            .into_iter()
            .filter(move |lifetime| self.allows(lifetime.duration()))
    }

    /// The given length, or the maximum where that is shorter.
    pub fn cap(self, lifetime: Option<Duration>) -> Duration {
        let most = self.duration();
        lifetime.map_or(most, |lifetime| lifetime.min(most))
    }

    fn duration(self) -> Duration {
        DAY.saturating_mul(self.days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for lifetime in Lifetime::ALL {
            assert_eq!(lifetime.as_str().parse(), Ok(lifetime));
        }
        for wrong in ["", "30", "30D", "365d", "1Y", " never", "forever"] {
            assert_eq!(wrong.parse::<Lifetime>(), Err(UnknownLifetime), "{wrong}");
        }
    }

    #[test]
    fn a_maximum_leaves_what_is_not_longer() {
        let choices = |days| -> Vec<_> { MaximumLifetime::of_days(days).choices().collect() };
        assert_eq!(choices(29), []);
        assert_eq!(choices(30), [Lifetime::Month]);
        assert_eq!(choices(364), [Lifetime::Month, Lifetime::Quarter]);
        assert_eq!(choices(u32::MAX).len(), 3, "never is always longer");
    }

    #[test]
    fn what_is_longer_than_the_maximum_is_cut_to_it() {
        let maximum = MaximumLifetime::of_days(90);
        for lifetime in [Lifetime::Quarter, Lifetime::Year, Lifetime::Never] {
            assert_eq!(maximum.cap(lifetime.duration()), DAY * 90);
        }
        assert_eq!(maximum.cap(Lifetime::Month.duration()), DAY * 30);
    }
}
