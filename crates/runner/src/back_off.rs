use std::time::Duration;

use crate::Ambient;

/// Between which bounds the pause between attempts grows.
#[derive(Clone, Copy, Debug)]
pub struct BackOffRange {
    /// The longest pause after the first failure.
    pub first: Duration,
    /// The longest pause ever.
    pub most: Duration,
}

/// Pauses that double with every failure, each a random part of its bound: runners that lost the
/// same control plane do not come back in the same moment.
#[derive(Debug)]
pub struct BackOff {
    range: BackOffRange,
    bound: Duration,
}

impl BackOff {
    /// Begins with the shortest pauses.
    pub fn new(range: BackOffRange) -> Self {
        Self {
            range,
            bound: range.first,
        }
    }

    /// The next pause.
    pub fn pause(&mut self, ambient: &Ambient) -> Duration {
        let bound = self.bound.min(self.range.most);
        self.bound = bound.saturating_mul(2);
        // Never nothing: a quarter at least, so that a failing peer is not hammered.
        let least = bound / 4;
        least + ambient.fraction_of(bound.saturating_sub(least))
    }

    /// The longest pause, for a peer that is not going to change its mind soon.
    pub(crate) fn longest(&self, ambient: &Ambient) -> Duration {
        let least = self.range.most / 2;
        least + ambient.fraction_of(least)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reoclo_domain::{Clock, Entropy, Timestamp};

    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn pauses(random: u8) -> Vec<u128> {
        let ambient = Ambient {
            clock: Arc::new(Fixed(0)),
            entropy: Arc::new(Fixed(random)),
            proxy: crate::ProxySettings::default(),
        };
        let mut back_off = BackOff::new(BackOffRange {
            first: Duration::from_millis(100),
            most: Duration::from_secs(1),
        });
        (0..6)
            .map(|_| back_off.pause(&ambient).as_millis())
            .collect()
    }

    #[test]
    fn pauses_double_up_to_the_bound_and_are_never_nothing() {
        assert_eq!(pauses(255), [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(pauses(0), [25, 50, 100, 200, 250, 250]);
    }
}
