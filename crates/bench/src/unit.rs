//! What a figure counts, and how it is written.

use std::time::Duration;

use serde::Serialize;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Less is better.
    Seconds,
    /// Less is better.
    Bytes,
    /// Of a whole. Less is better.
    Share,
    /// More is better.
    PerSecond,
    /// More is better.
    BytesPerSecond,
}

impl Unit {
    /// Whether more of it is worse.
    pub(crate) fn is_cost(self) -> bool {
        matches!(self, Self::Seconds | Self::Bytes | Self::Share)
    }

    /// The figure for people, with three or four digits.
    pub(crate) fn format(self, value: f64) -> String {
        match self {
            Self::Seconds => seconds(value),
            Self::Bytes if value < 1024.0 * 1024.0 => format!("{:.1} KiB", value / 1024.0),
            Self::Bytes => format!("{:.1} MiB", mebi(value)),
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::PerSecond if value < 100.0 => format!("{value:.1} /s"),
            Self::PerSecond => format!("{value:.0} /s"),
            Self::BytesPerSecond => format!("{:.0} MiB/s", mebi(value)),
        }
    }
}

fn seconds(value: f64) -> String {
    match value {
        value if value < 1e-6 => format!("{:.0} ns", value * 1e9),
        value if value < 1e-3 => format!("{:.2} µs", value * 1e6),
        value if value < 1.0 => format!("{:.2} ms", value * 1e3),
        value => format!("{value:.2} s"),
    }
}

fn mebi(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

/// A count as a number to calculate with.
pub(crate) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Things per second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    number(count) / time.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_unit_that_people_would_use() {
        assert_eq!(Unit::Seconds.format(2.5e-7), "250 ns");
        assert_eq!(Unit::Seconds.format(1.234e-6), "1.23 µs");
        assert_eq!(Unit::Seconds.format(0.012_34), "12.34 ms");
        assert_eq!(Unit::Seconds.format(2.0), "2.00 s");
        assert_eq!(Unit::Bytes.format(1_572_864.0), "1.5 MiB");
        assert_eq!(Unit::Bytes.format(43_008.0), "42.0 KiB");
        assert_eq!(Unit::Share.format(0.123), "12.3 %");
        assert_eq!(Unit::PerSecond.format(12.34), "12.3 /s");
        assert_eq!(Unit::PerSecond.format(1234.5), "1234 /s");
        assert_eq!(Unit::BytesPerSecond.format(1_048_576.0), "1 MiB/s");
    }
}
