//! What a command wrote, as far as it is kept.

mod file;
mod log;
mod tail;

pub(crate) use file::{Place, written};
pub(crate) use log::{Chunk, Layout, OutputLog};

/// The beginning of a stream that is kept for good.
pub(crate) const HEAD: u64 = 1 << 20;
/// The end of a stream that is kept behind it.
pub(crate) const RING: u64 = 9 << 20;
/// What is kept in memory alone, and the most that one event carries.
pub(crate) const MEMORY: usize = 64 * 1024;
