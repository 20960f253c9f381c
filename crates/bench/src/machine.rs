//! The machine that the figures are from.

use std::fmt;
use std::fs;
use std::thread::available_parallelism;

use serde::Serialize;

/// What a reader of the figures has to know about it.
#[derive(Serialize)]
pub(crate) struct Machine {
    processors: usize,
    /// Over 1, 5 and 15 minutes.
    load: String,
    kernel: String,
}

impl Machine {
    pub(crate) fn now() -> Self {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<&str> = load.split_whitespace().take(3).collect();
        Self {
            processors: available_parallelism().map_or(0, usize::from),
            load: load.join(" "),
            kernel: rustix::system::uname()
                .release()
                .to_string_lossy()
                .into_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            processors,
            load,
            kernel,
        } = self;
        write!(
            f,
            "{processors} processors, load average {load}, Linux {kernel}"
        )
    }
}
