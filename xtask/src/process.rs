//! Child processes that never outlive the chore, whether it ends, fails or is interrupted.

mod background;

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

pub(crate) use background::Background;

/// How long an interrupted child may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// A signal asked the chore to stop.
#[derive(Debug, thiserror::Error)]
#[error("interrupted by signal {0}")]
pub(crate) struct Interrupted(i32);

impl Interrupted {
    /// 128 + the signal's number.
    pub(crate) fn exit_code(&self) -> u8 {
        u8::try_from(128 + self.0).unwrap_or(1)
    }
}

/// Runs one child at a time and hands the signals that would end the chore on to it.
///
/// Every child is the leader of its own process group, so that a signal reaches cargo, the
/// compiler and the test binaries alike, and reaches nothing before this type has seen it.
pub(crate) struct Processes {
    events: Receiver<Event>,
    sender: Sender<Event>,
}

enum Event {
    Signal(i32),
    Exited(io::Result<Output>),
}

impl Processes {
    /// Takes over SIGHUP, SIGINT and SIGTERM.
    pub(crate) fn new() -> Result<Self> {
        let (sender, events) = channel();
        let mut signals =
            Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot listen for signals")?;
        let to_self = sender.clone();
        thread::spawn(move || {
            for signal in signals.forever() {
                if to_self.send(Event::Signal(signal)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { events, sender })
    }

    /// Runs `command` to its end. Whatever its stdout and stderr were piped to is in the answer.
    ///
    /// Fails with [`Interrupted`] when a signal came before or meanwhile.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Output> {
        self.check()?;
        let name = command.get_program().display().to_string();
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let group = Pid::from_child(&child);
        self.report_exit(child);
        match self.events.recv()? {
            Event::Exited(output) => output.with_context(|| format!("cannot wait for {name}")),
            Event::Signal(signal) => {
                self.end(group);
                Err(Interrupted(signal).into())
            }
        }
    }

    /// Like [`run`](Self::run), and fails unless `command` succeeds.
    pub(crate) fn succeed(&self, command: &mut Command) -> Result<Output> {
        let output = self.run(command)?;
        if !output.status.success() {
            bail!("{} failed: {}", line(command), output.status);
        }
        Ok(output)
    }

    /// Fails with [`Interrupted`] when a signal has come since the last child ended.
    fn check(&self) -> Result<()> {
        match self.events.try_recv() {
            Ok(Event::Signal(signal)) => Err(Interrupted(signal).into()),
            Ok(Event::Exited(_)) | Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(()),
        }
    }

    fn report_exit(&self, child: Child) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            // Nobody is left to tell only when the chore itself is ending.
            let _ = sender.send(Event::Exited(child.wait_with_output()));
        });
    }

    /// Ends the group: politely first, then by force at the second signal or after the grace.
    fn end(&self, group: Pid) {
        let _ = kill_process_group(group, Signal::TERM);
        if let Ok(Event::Exited(_)) = self.events.recv_timeout(GRACE) {
            return;
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.events.recv_timeout(GRACE);
    }
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let mut line = command.get_program().display().to_string();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named_with_its_status() {
        let processes = Processes::new().unwrap();
        let error = processes
            .succeed(Command::new("sh").args(["-c", "exit 3"]))
            .unwrap_err();
        assert_eq!(error.to_string(), "sh -c exit 3 failed: exit status: 3");
    }

    #[test]
    fn a_signal_ends_the_child_and_stops_the_chore() {
        let processes = Processes::new().unwrap();
        processes.sender.send(Event::Signal(SIGTERM)).unwrap();
        let error = processes.run(&mut Command::new("true")).unwrap_err();
        let interrupted = error.downcast_ref::<Interrupted>().unwrap();
        assert_eq!(interrupted.exit_code(), 143);
    }
}
