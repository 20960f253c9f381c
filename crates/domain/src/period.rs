//! Moments and days as people write them.

use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::Timestamp;

/// A moment, or a whole day in UTC, in ISO 8601.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment of the day, or the moment.
    pub first: Timestamp,
    /// The last moment of the day, or the moment.
    pub last: Timestamp,
}

/// The text is neither a date nor a date with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a date such as 2026-01-31, nor a date with a time such as 2026-01-31T12:00:00Z")]
pub struct ParsePeriodError;

/// Characters of a date without a time.
const DATE_LEN: usize = 10;

impl FromStr for Period {
    type Err = ParsePeriodError;

    /// A time without an offset is UTC.
    fn from_str(text: &str) -> Result<Self, ParsePeriodError> {
        if text.len() == DATE_LEN {
            day(text)
        } else {
            let moment = moment(text)?;
            Ok(Self {
                first: moment,
                last: moment,
            })
        }
    }
}

fn day(text: &str) -> Result<Period, ParsePeriodError> {
    let date: Date = text.parse().map_err(|_| ParsePeriodError)?;
    Ok(Period {
        first: utc(date.at(0, 0, 0, 0))?,
        last: utc(date.at(23, 59, 59, 999_999_999))?,
    })
}

fn moment(text: &str) -> Result<Timestamp, ParsePeriodError> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_micros(moment.as_microsecond()));
    }
    utc(text.parse().map_err(|_| ParsePeriodError)?)
}

fn utc(moment: DateTime) -> Result<Timestamp, ParsePeriodError> {
    let moment = TimeZone::UTC.to_timestamp(moment);
    let moment = moment.map_err(|_| ParsePeriodError)?;
    Ok(Timestamp::from_micros(moment.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, String) {
        let period: Period = text.parse().unwrap();
        (period.first.to_string(), period.last.to_string())
    }

    #[test]
    fn a_date_is_the_whole_day() {
        let (first, last) = parsed("2026-01-31");
        assert_eq!(first, "2026-01-31T00:00:00.000000Z");
        assert_eq!(last, "2026-01-31T23:59:59.999999Z");
    }

    #[test]
    fn a_time_is_a_moment_in_whatever_zone_it_names() {
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31T13:00:00+01:00",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00:00.000000Z",
            "2026-01-31 12:00",
        ] {
            let (first, last) = parsed(text);
            assert_eq!(first, "2026-01-31T12:00:00.000000Z", "{text}");
            assert_eq!(first, last);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-02-30",
            "31/01/2026",
            "2026-01-31T25:00:00Z",
            "1767225600",
            "9999999999",
            "2026-01-3\u{e9}",
        ] {
            assert_eq!(text.parse::<Period>(), Err(ParsePeriodError), "{text}");
        }
    }
}
