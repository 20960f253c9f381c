//! What a command leaves running goes on writing to its pipes after its end. A small process of
//! its own reads on, so that it does not die with the supervisor (ADR 21).

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::Command;

use tokio::net::unix::pipe::Receiver;

use super::launch::{self, Detachment, Entry, Launch};
use crate::drain::ARGUMENT;
use crate::nothing::nothing;

/// How it is shown in a list of processes.
const NAME: &str = "reoclo";
const READ: usize = 64 * 1024;

/// The program that reads the pipes of ended commands: on its standard input and, where there are
/// two, on its standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrainCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl Default for DrainCommand {
    /// This program, whatever file has its name by now.
    fn default() -> Self {
        Self {
            program: "/proc/self/exe".into(),
            args: vec![ARGUMENT.into()],
        }
    }
}

/// Starts such processes.
#[derive(Clone, Debug)]
pub(crate) struct Drainer(DrainCommand);

impl Drainer {
    pub(crate) const fn new(command: DrainCommand) -> Self {
        Self(command)
    }

    /// Has the pipes read until nobody can write to them any more; when this comes back, they are.
    pub(crate) fn take_over(&self, open: Vec<Receiver>) {
        if open.is_empty() {
            return;
        }
        let ends: io::Result<Vec<OwnedFd>> =
            open.into_iter().map(Receiver::into_blocking_fd).collect();
        let started = ends.and_then(|ends| match self.start(&ends) {
            Ok(()) => Ok(()),
            Err(error) => {
                read_on_here(ends)?;
                Err(error)
            }
        });
        if let Err(error) = started {
            tracing::error!(
                %error,
                "no process could be started for what a command left: it lives as long as this one"
            );
        }
    }

    fn start(&self, ends: &[OwnedFd]) -> io::Result<()> {
        let nothing = nothing()?;
        let mut command = Command::new(&self.0.program);
        command.args(&self.0.args).env_clear().current_dir("/");
        let end = |number: usize| ends.get(number).unwrap_or(&nothing).as_fd();
        let launch = Launch {
            command: &command,
            known_as: Some(NAME),
            stdio: [end(0), end(1), nothing.as_fd()],
            entry: Entry::None,
            before: None,
            detachment: Detachment::Session,
        };
        match launch::launch(&launch) {
            // Nobody waits for it: it is reaped like anything else that ends here.
            Ok(_) => Ok(()),
            Err(error) => Err(error.source),
        }
    }
}

/// The next best, when no process can be started.
fn read_on_here(ends: Vec<OwnedFd>) -> io::Result<()> {
    for end in ends {
        let pipe = Receiver::from_owned_fd(end)?;
        tokio::spawn(async move {
            let mut buffer = vec![0; READ];
            while pipe.readable().await.is_ok() {
                match pipe.try_read(&mut buffer) {
                    Ok(1..) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Ok(0) | Err(_) => return,
                }
            }
        });
    }
    Ok(())
}
