//! Real time, real randomness and the environment.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{Clock, Entropy, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};
use rustix::time::{ClockId, clock_gettime};

/// The system's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = clock_gettime(ClockId::Realtime);
        Timestamp::from_micros(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)
    }

    /// Goes on while the machine is suspended, so that a deadline passes meanwhile.
    fn monotonic(&self) -> Duration {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
    }
}

/// The operating system's random numbers.
#[derive(Debug)]
pub(crate) struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // Without randomness every secret made from here on would be guessable.
        self.0
            .fill(buffer)
            .expect("the operating system gives random bytes");
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy::new())
}

/// Those of the variables that are set.
pub(crate) fn variables(names: &[&str]) -> Vec<(OsString, OsString)> {
    let set = names
        .iter()
        .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    set.collect()
}
