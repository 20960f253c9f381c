//! The processes that work in a directory, recognised by their arguments.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Between two looks at processes that are to end.
const POLL: Duration = Duration::from_millis(10);
/// How often to look before they are killed: 10 s in all.
const POLLS: u32 = 1000;

/// A process that names the directory among its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    /// Its first argument: `up`, `runner`, `supervisor`.
    pub(crate) role: String,
}

/// Every process with an argument that contains `directory`, but this one.
pub(crate) fn under(directory: &Path) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(Pid::from_raw)
        .filter(|pid| *pid != rustix::process::getpid())
        .filter_map(|pid| read(pid, directory.as_os_str().as_bytes()))
        .collect()
}

fn read(pid: Pid, directory: &[u8]) -> Option<Process> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let names_it = line
        .windows(directory.len())
        .any(|window| window == directory);
    let role = line.split(|byte| *byte == 0).nth(1)?;
    names_it.then(|| Process {
        pid,
        role: String::from_utf8_lossy(role).into_owned(),
    })
}

/// Asks every process of the directory to end, and kills what does not.
pub(crate) fn end_all(directory: &Path) {
    signal_all(directory, Signal::TERM);
    for _ in 0..POLLS {
        if under(directory).is_empty() {
            return;
        }
        sleep(POLL);
    }
    signal_all(directory, Signal::KILL);
}

/// Asks those with this role to end, and waits until they have.
pub(crate) fn end_role(directory: &Path, role: &str) {
    let of_role = || under(directory).into_iter().filter(|one| one.role == role);
    for process in of_role() {
        // It may have ended since.
        let _ = kill_process(process.pid, Signal::TERM);
    }
    for _ in 0..POLLS {
        if of_role().next().is_none() {
            return;
        }
        sleep(POLL);
    }
}

fn signal_all(directory: &Path, signal: Signal) {
    for process in under(directory) {
        // It may have ended since.
        let _ = kill_process(process.pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::thread;

    use super::*;

    #[test]
    fn a_process_is_found_by_its_argument_and_ended() {
        let directory = tempfile::tempdir().unwrap();
        // It ends by itself when this test fails, since its input then ends.
        let mut shell = Command::new("sh")
            .args(["-c", "echo; read line"])
            .arg(directory.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let _input = shell.stdin.take();
        shell.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        let found = under(directory.path());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].role, "-c");
        let ending = thread::spawn(move || shell.wait().unwrap());
        end_all(directory.path());
        let status = ending.join().unwrap();
        assert_eq!(status.signal(), Some(Signal::TERM.as_raw()));
        assert!(under(directory.path()).is_empty());
    }
}
