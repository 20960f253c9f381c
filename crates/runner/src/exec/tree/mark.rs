//! A mark that a command's processes have whatever they become, and that everybody may read: a
//! process that was started with an empty environment has no variable of ours, and the variables
//! of one that has become another user cannot be read by a supervisor without root, nor by one in
//! a container that may not trace.
//!
//! It is a limit that limits nothing: the time that a process of a real-time class may take
//! without a pause, in microseconds. It is inherited by every way of starting a process, and a
//! number of so many thousand years is as good as none.

use std::fs;

use reoclo_domain::OperationId;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::super::launch::Before;

/// More than a hundred thousand years, and below what the kernel takes for no limit.
const LEAST: u64 = 1 << 62;
/// How the limit is called in `/proc/PID/limits`.
const NAME: &str = "Max realtime timeout";

/// The mark of an operation's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// By the part of the id that is random.
    pub(crate) fn of(operation: OperationId) -> Self {
        let (_, random) = operation.as_uuid().as_u64_pair();
        Self(LEAST | (random & (LEAST - 1)))
    }

    /// Whether a process has it.
    pub(crate) fn is_on(self, pid: u32) -> bool {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits"));
        limits.is_ok_and(|limits| self.is_in(&limits))
    }

    /// The hard limit is the one that nobody changes.
    fn is_in(self, limits: &str) -> bool {
        let limit = limits.lines().find_map(|line| line.strip_prefix(NAME));
        let hard = limit.and_then(|limit| limit.split_ascii_whitespace().nth(1));
        hard.is_some_and(|hard| hard.parse() == Ok(self.0))
    }

    /// Has the child take the mark on. A limit that is there is left as it is.
    pub(crate) fn taken_on(self, before: Option<Before>) -> Option<Before> {
        if getrlimit(Resource::Rttime).maximum.is_some() {
            return before;
        }
        let limit = Rlimit {
            current: Some(self.0),
            maximum: Some(self.0),
        };
        Some(Box::new(move || {
            // Where it cannot be had, the rest has to do.
            let _ = setrlimit(Resource::Rttime, limit);
            before.as_ref().map_or(Ok(()), |before| before())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_have_marks_of_their_own() {
        let mark = |id: &str| Mark::of(id.parse().unwrap());
        let (one, other) = (
            mark("0190b6f2-6f0c-7cc3-98c5-000000000001"),
            mark("0190b6f2-6f0c-7cc3-98c5-000000000002"),
        );
        assert_ne!(one, other);
        assert!(one.0 >= LEAST && one.0 < 1 << 63);
        let line = |soft: &str, hard: u64| format!("Limit  Soft\n{NAME}  {soft}  {hard}  us  \n");
        assert!(one.is_in(&line("1000", one.0)));
        assert!(!one.is_in(&line("1000", other.0)));
        assert!(!one.is_in(&format!("{NAME}  unlimited  unlimited  us\n")));
        assert!(!one.is_in(""));
        assert!(!one.is_on(std::process::id()));
    }
}
