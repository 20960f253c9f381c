use std::time::Duration;

use http::{HeaderMap, header};

/// The longest pause that a peer may ask for: no longer than the longest of our own, since nobody
/// has proved yet who answers.
const MOST: Duration = Duration::from_mins(1);

/// The pause that an answer asks for (RFC 9110, 10.2.3); dates are not understood.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = value.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &'static str) -> Option<Duration> {
        let value = http::HeaderValue::from_static(value);
        retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, value)]))
    }

    #[test]
    fn seconds_are_understood_and_bounded() {
        assert_eq!(parsed("7"), Some(Duration::from_secs(7)));
        assert_eq!(parsed("86400"), Some(MOST));
        assert_eq!(parsed("Fri, 31 Dec 1999 23:59:59 GMT"), None);
        assert_eq!(parsed("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
