//! A server that runs beside the chore and ends with it.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Between two looks at a server that is being stopped.
const STOP_POLL: Duration = Duration::from_millis(20);
/// How often to look before the server is killed: 10 s in all.
const STOP_POLLS: u32 = 500;

/// A running server; dropping it stops the server and waits for its end.
pub(crate) struct Background {
    child: Child,
    stop: Signal,
}

impl Background {
    /// Starts `command` in a process group of its own, to be stopped with the signal `stop`.
    pub(crate) fn start(command: &mut Command, stop: Signal) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, stop })
    }

    /// Whether the server has not ended yet.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if !self.is_running() {
            return;
        }
        let pid = Pid::from_child(&self.child);
        let _ = kill_process(pid, self.stop);
        for _ in 0..STOP_POLLS {
            if !self.is_running() {
                return;
            }
            thread::sleep(STOP_POLL);
        }
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::test_kill_process;

    use super::*;

    #[test]
    fn dropping_it_ends_the_process() {
        let mut server = Background::start(Command::new("sleep").arg("600"), Signal::TERM).unwrap();
        let pid = Pid::from_child(&server.child);
        assert!(server.is_running());
        drop(server);
        assert!(test_kill_process(pid).is_err());
    }
}
