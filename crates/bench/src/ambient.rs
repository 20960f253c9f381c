//! Real time and real randomness.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reoclo_domain::{Clock, Entropy, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};

/// The system's clocks.
#[derive(Debug)]
struct SystemClock {
    start: Instant,
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp::from_micros(0).plus(since.unwrap_or_default())
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The operating system's random numbers.
#[derive(Debug)]
struct SystemEntropy(SystemRandom);

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0
            .fill(buffer)
            .expect("the operating system gives random bytes");
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock {
        start: Instant::now(),
    })
}

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy(SystemRandom::new()))
}
