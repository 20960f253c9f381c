//! Processes of this host, as /proc shows them.

use std::fs::{self, File};
use std::io::Read;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

/// The most of a process's environment that is looked at.
const MOST_ENVIRONMENT: u64 = 1 << 20;

/// A process at the moment of the look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// What its program is called: at most 15 bytes of its own choice.
    pub(crate) name: String,
    pub(crate) has_ended: bool,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    /// In ticks since the boot: with its id, this names it.
    pub(crate) begun: u64,
}

/// Whether a signal reached a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    Yes,
    /// It has ended.
    Gone,
    /// It is another user's, and this process may not.
    Refused,
}

/// Every process that this one can see.
pub(crate) fn all() -> Vec<Process> {
    if !can_be_seen() {
        return Vec::new();
    }
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(find)
        .collect()
}

/// Whether processes can be seen at all: /proc is mounted, and by the numbers that they have here.
/// Where it is another container's, the same numbers are others' processes.
pub(crate) fn can_be_seen() -> bool {
    let own = fs::read_link("/proc/self");
    own.is_ok_and(|own| own.as_os_str() == std::process::id().to_string().as_str())
}

/// The process with this id.
pub(crate) fn find(pid: u32) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    parse(&String::from_utf8_lossy(&stat))
}

/// Whether a variable was in the environment that the process was started with; `false` too when
/// this process may not look.
pub(crate) fn was_started_with(pid: u32, variable: &str) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(format!("/proc/{pid}/environ"))
        .and_then(|file| file.take(MOST_ENVIRONMENT).read_to_end(&mut bytes));
    read.is_ok()
        && bytes
            .split(|byte| *byte == 0)
            .any(|word| word == variable.as_bytes())
}

/// Sends a signal to the process that was looked at, and never to another that has its id now.
pub(crate) fn signal_exactly(process: &Process, signal: Signal) -> Reached {
    let Some(pid) = as_pid(process.pid) else {
        return Reached::Gone;
    };
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        // Gone, or the kernel has no pidfds (before 5.3).
        return match find(process.pid) {
            Some(now) if now.begun == process.begun => reached(kill_process(pid, signal)),
            _ => Reached::Gone,
        };
    };
    match find(process.pid) {
        Some(now) if now.begun == process.begun => reached(pidfd_send_signal(pidfd, signal)),
        _ => Reached::Gone,
    }
}

/// Sends a signal to whatever has this id.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = as_pid(pid) {
        // It may have ended.
        let _ = kill_process(pid, signal);
    }
}

pub(crate) fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

fn reached(result: rustix::io::Result<()>) -> Reached {
    match result {
        Ok(()) => Reached::Yes,
        Err(rustix::io::Errno::PERM) => Reached::Refused,
        Err(_) => Reached::Gone,
    }
}

/// `PID (NAME) STATE PARENT GROUP SESSION …`, where a name may hold anything
/// (proc_pid_stat(5)).
fn parse(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, fields) = rest.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    Some(Process {
        pid: pid.parse().ok()?,
        name: name.to_owned(),
        has_ended: matches!(state, "Z" | "X" | "x"),
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        session: fields.next()?.parse().ok()?,
        begun: fields.nth(15)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = "17 (a) Z (b) R 3 4 5 0 -1 0 1 2 3 4 5 6 7 8 9 10 1 0 4242 0";
        let process = parse(stat).unwrap();
        assert_eq!((process.pid, process.name.as_str()), (17, "a) Z (b"));
        assert!(!process.has_ended);
        assert_eq!((process.parent, process.group, process.session), (3, 4, 5));
        assert_eq!(process.begun, 4242);
        assert_eq!(parse("17 (sh) Z"), None);
    }

    #[test]
    fn this_process_is_among_all() {
        let own = find(std::process::id()).unwrap();
        assert!(all().contains(&own));
        assert!(!own.has_ended);
        assert!(!was_started_with(own.pid, "NO_SUCH=variable"));
    }
}
