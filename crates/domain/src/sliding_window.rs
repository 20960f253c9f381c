//! The rate limit of an automation key (rule 12).

/// Seconds that a limit is about.
pub const WINDOW_SECONDS: u64 = 60;

/// The current second and the whole ones before it that may still lie within the window.
const BUCKETS: usize = 61;

/// A sliding window of one-second buckets: never more than the limit within *any* 60 seconds, and
/// everything at once after a minute of rest.
///
/// A bucket counts until the whole second of it is 60 seconds old, so the current bucket and the
/// 60 before it count. Constant memory, whatever the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlidingWindow {
    counts: [u32; BUCKETS],
    /// The second that was counted last.
    second: u64,
    total: u32,
}

/// Whether a request may pass, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateVerdict {
    /// Whether it may pass; then it is counted.
    pub allowed: bool,
    /// Requests in the window that the key may make.
    pub limit: u32,
    /// How many of them are left.
    pub remaining: u32,
    /// Seconds until something of the window becomes free; zero when nothing is used.
    pub reset_seconds: u64,
}

impl Default for SlidingWindow {
    fn default() -> Self {
        Self {
            counts: [0; BUCKETS],
            second: 0,
            total: 0,
        }
    }
}

impl SlidingWindow {
    /// Counts a request at `second` of a clock that does not go back, if `limit` allows it.
    pub fn admit(&mut self, second: u64, limit: u32) -> RateVerdict {
        self.advance(second);
        let allowed = self.total < limit;
        if allowed {
            self.counts[slot(self.second)] += 1;
            self.total += 1;
        }
        RateVerdict {
            allowed,
            limit,
            remaining: limit.saturating_sub(self.total),
            reset_seconds: self.reset_seconds(),
        }
    }

    /// Whether nothing is counted any more at `second`.
    pub fn is_idle(&self, second: u64) -> bool {
        second.saturating_sub(self.second) >= BUCKETS as u64
    }

    /// The window as numbers to store: the second, then the buckets from the oldest on.
    pub fn to_parts(&self) -> (u64, Vec<u32>) {
        let oldest_first = (1..=BUCKETS as u64).map(|n| self.counts[slot(self.second + n)]);
        (self.second, oldest_first.collect())
    }

    /// The window from stored numbers; none when they are not what [`Self::to_parts`] gives.
    pub fn from_parts(second: u64, oldest_first: &[u32]) -> Option<Self> {
        if oldest_first.len() != BUCKETS {
            return None;
        }
        let mut window = Self {
            second,
            ..Self::default()
        };
        for (n, count) in (1..).zip(oldest_first) {
            window.counts[slot(second + n)] = *count;
            window.total = window.total.checked_add(*count)?;
        }
        Some(window)
    }

    /// Empties the buckets that have become too old. A clock that went back counts as standing.
    fn advance(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second);
        for n in 1..=passed.min(BUCKETS as u64) {
            let bucket = &mut self.counts[slot(self.second + n)];
            self.total -= *bucket;
            *bucket = 0;
        }
        self.second = self.second.max(second);
    }

    /// The oldest bucket that holds anything is the next to become free.
    fn reset_seconds(&self) -> u64 {
        let age = (0..BUCKETS as u64)
            .rev()
            .find(|age| self.second >= *age && self.counts[slot(self.second - age)] > 0);
        age.map_or(0, |age| BUCKETS as u64 - age)
    }
}

const fn slot(second: u64) -> usize {
    #[allow(clippy::cast_possible_truncation, reason = "the remainder is below 61")]
    let slot = (second % BUCKETS as u64) as usize;
    slot
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rested_key_may_use_all_at_once_and_then_none() {
        let mut window = SlidingWindow::default();
        for left in (0..100).rev() {
            let verdict = window.admit(1000, 100);
            assert!(verdict.allowed);
            assert_eq!(verdict.remaining, left);
        }
        let refused = window.admit(1000, 100);
        assert!(!refused.allowed);
        assert_eq!(refused.reset_seconds, 61);
        assert!(
            !window.admit(1060, 100).allowed,
            "the second of the burst is not over everywhere"
        );
        assert!(window.admit(1061, 100).allowed);
    }

    #[test]
    fn a_refused_request_is_not_counted() {
        let mut window = SlidingWindow::default();
        assert!(window.admit(5, 1).allowed);
        for _ in 0..10 {
            assert!(!window.admit(6, 1).allowed);
        }
        assert!(window.admit(66, 1).allowed);
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing() {
        let mut window = SlidingWindow::default();
        assert!(window.admit(100, 1).allowed);
        assert!(!window.admit(10, 1).allowed);
        assert!(!window.admit(160, 1).allowed);
    }

    #[test]
    fn the_first_seconds_of_a_clock_are_like_any_other() {
        let mut window = SlidingWindow::default();
        assert_eq!(window.admit(0, 2).reset_seconds, 61);
        assert_eq!(window.admit(60, 2).reset_seconds, 1);
        assert!(!window.admit(60, 2).allowed);
        assert!(window.admit(61, 2).allowed);
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_any_minute(
            gaps in prop::collection::vec(0_u64..2_000, 1..400), limit in 1_u32..40,
        ) {
            let mut window = SlidingWindow::default();
            let mut accepted: Vec<u64> = Vec::new();
            let mut millis = 0;
            for gap in gaps {
                millis += gap;
                if window.admit(millis / 1000, limit).allowed {
                    accepted.push(millis);
                }
            }
            for (at, begin) in accepted.iter().enumerate() {
                let within = accepted[at..].iter().take_while(|end| *end - begin < 60_000).count();
                prop_assert!(within <= limit as usize);
            }
        }

        #[test]
        fn a_key_that_rested_for_61_seconds_is_never_refused(
            gaps in prop::collection::vec(0_u64..5, 1..200), limit in 1_u32..40,
        ) {
            let mut window = SlidingWindow::default();
            let mut second = 0;
            for gap in gaps {
                second += gap;
                window.admit(second, limit);
            }
            second += 61;
            prop_assert!(window.is_idle(second));
            for _ in 0..limit {
                prop_assert!(window.admit(second, limit).allowed);
            }
        }

        #[test]
        fn a_stored_window_is_the_same_window(
            gaps in prop::collection::vec(0_u64..40, 1..100), later in 0_u64..130,
        ) {
            let mut window = SlidingWindow::default();
            let mut second = 3;
            for gap in gaps {
                second += gap;
                window.admit(second, 20);
            }
            let (at, counts) = window.to_parts();
            let mut stored = SlidingWindow::from_parts(at, &counts).unwrap();
            prop_assert_eq!(stored.admit(second + later, 20), window.admit(second + later, 20));
        }
    }
}
