//! Fixtures for tests: clocks, entropy and databases. Used only from `tests/`.
//!
//! A fixture that cannot be made panics with a sentence that says what to do.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "the one place where tests meet the real time, the real entropy and the environment"
)]

mod clock;
pub mod database;
mod entropy;
mod statements;

pub use clock::{ManualClock, RealClock};
pub use database::Database;
pub use entropy::{RealEntropy, SeededEntropy};
pub use statements::Statements;
