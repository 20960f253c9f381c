//! Time and randomness as parameters (ADR 5).

use std::time::Duration;

use crate::Timestamp;

/// A source of time that tests can move by hand.
pub trait Clock: Send + Sync + 'static {
    /// The current wall-clock time in UTC.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary fixed moment; never goes back. On a real host that moment is its boot,
    /// so that what one process has written down means something to the next.
    fn monotonic(&self) -> Duration;
}

/// A source of random bytes, cryptographically secure in production and seeded in tests.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}
