//! What goes wrong again and again is told once in a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reoclo_store::StoreError;

/// Between two lines about the same.
const PAUSE: Duration = Duration::from_mins(1);

/// When what was told last.
#[derive(Debug, Default)]
pub struct Complaints(Mutex<HashMap<&'static str, Told>>);

#[derive(Clone, Copy, Debug, Default)]
struct Told {
    at: Duration,
    /// How often it has happened since.
    since: u64,
}

impl Complaints {
    /// Tells that something could not be stored, with the reason, and not every time that it is
    /// tried again; `now` is on the monotonic clock. An outage is told elsewhere.
    pub fn tell(&self, now: Duration, what: &'static str, error: &StoreError) {
        if error.is_of_an_outage() {
            return;
        }
        if let Some(times) = self.happened(what, now) {
            let error = error.causes();
            if times == 0 {
                tracing::error!(error, "{what}");
            } else {
                tracing::error!(error, times, "{what}, for at least a minute");
            }
        }
    }

    /// How often it has happened since it was told, when it is to be told now.
    fn happened(&self, what: &'static str, now: Duration) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(what) {
            Some(told) if now.saturating_sub(told.at) < PAUSE => {
                told.since += 1;
                None
            }
            told => {
                let since = told.map_or(0, |told| told.since);
                let told = Told { at: now, since: 0 };
                all.insert(what, told);
                Some(since)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_with_its_number() {
        let complaints = Complaints::default();
        let at = |what, seconds| complaints.happened(what, Duration::from_secs(seconds));
        assert_eq!(at("a", 0), Some(0));
        assert_eq!((at("a", 1), at("a", 59)), (None, None));
        assert_eq!(at("b", 59), Some(0));
        assert_eq!(at("a", 60), Some(2));
        assert_eq!(at("a", 61), None);
    }
}
