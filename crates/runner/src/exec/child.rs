use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::{Receiver, Sender};

use super::exit::{Exit, ExitWatch};
use super::pump::Pipes;
use super::request::Program;
use super::{Request, User};

const SHELL: &str = "/bin/sh";

/// A command could not be started. The message is for whoever asked for it.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpawnError {
    #[error("the working directory {0} does not exist on the server")]
    WorkingDirectory(PathBuf),
    #[error("the server cannot start {SHELL}: {0}")]
    Shell(#[source] io::Error),
    #[error("the server cannot start {program:?}: {source}")]
    Own {
        program: OsString,
        source: io::Error,
    },
    #[error(
        "Docker's command line is not installed on the server, or not where commands look for \
         programs: install `docker` there"
    )]
    NoDocker(#[source] io::Error),
    #[error("the server cannot start docker: {0}")]
    Docker(#[source] io::Error),
    #[error("the server cannot read or write the command's pipes: {0}")]
    Pipes(#[source] io::Error),
}

impl SpawnError {
    /// The field of the request that is to blame, if one is.
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::WorkingDirectory(_) => "working_directory",
            Self::Shell(_)
            | Self::Own { .. }
            | Self::NoDocker(_)
            | Self::Docker(_)
            | Self::Pipes(_) => "",
        }
    }
}

/// A started command.
#[derive(Debug)]
pub(super) struct Child {
    process: std::process::Child,
    /// The process, and the group that it leads.
    pid: Pid,
    exit: ExitWatch,
}

/// Starts the command. Called on a runtime's thread: the pipes are read by it.
pub(super) fn spawn(request: &Request, user: &User) -> Result<(Child, Pipes), SpawnError> {
    let directory = working_directory(request, user)?;
    let mut process = command(request, user, &directory)
        .spawn()
        .map_err(|error| not_started(request, error))?;
    let pipes = pipes(&mut process, request);
    let pid = Pid::from_child(&process);
    let mut child = Child {
        process,
        pid,
        exit: ExitWatch::new(pid),
    };
    match pipes {
        Ok(pipes) => Ok((child, pipes)),
        Err(error) => {
            child.signal(Signal::KILL);
            child.reap();
            Err(SpawnError::Pipes(error))
        }
    }
}

impl Child {
    /// Waits for the process to end; may be dropped and called again.
    pub(super) async fn exited(&mut self) {
        self.exit.ended().await;
    }

    /// Sends a signal to the whole group. Only before [`Self::reap`]: the group's number is ours
    /// as long as its leader is not reaped.
    pub(super) fn signal(&self, signal: Signal) {
        // The group may be empty but for its ended leader.
        let _ = kill_process_group(self.pid, signal);
    }

    /// Takes the ended process's status.
    pub(super) fn reap(&mut self) -> Exit {
        match self.process.wait() {
            Ok(status) => status.into(),
            Err(error) => {
                tracing::error!(%error, "a command's status was lost");
                Exit {
                    code: reoclo_domain::EXIT_LOST,
                    signal: 0,
                }
            }
        }
    }
}

fn working_directory(request: &Request, user: &User) -> Result<PathBuf, SpawnError> {
    if request.working_directory.is_empty() {
        return Ok(user.start_directory());
    }
    let directory = user.start_directory().join(&request.working_directory);
    if directory.is_dir() {
        Ok(directory)
    } else {
        Err(SpawnError::WorkingDirectory(
            request.working_directory.clone().into(),
        ))
    }
}

fn command(request: &Request, user: &User, directory: &Path) -> Command {
    let mut command = program(request);
    command
        .env_clear()
        .envs(user.environment())
        .envs(&request.env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if let Program::Docker(call) = &request.program {
        command.envs(call.cli.environment().iter().cloned());
        if call.input.is_some() {
            command.stdin(Stdio::piped());
        }
    }
    user.become_in(&mut command, directory);
    command
}

fn program(request: &Request) -> Command {
    match &request.program {
        Program::Shell(text) => {
            let mut command = Command::new(SHELL);
            // A command that begins with a dash is not an option.
            command.args(["-c", "--"]).arg(text);
            command
        }
        Program::Own(words) => {
            let mut words = words.iter();
            let mut command = Command::new(words.next().unwrap_or(&OsString::new()));
            command.args(words);
            command
        }
        Program::Docker(call) => {
            let mut command = Command::new(call.cli.program());
            command.args(&call.args);
            command
        }
    }
}

fn not_started(request: &Request, source: io::Error) -> SpawnError {
    match &request.program {
        Program::Shell(_) => SpawnError::Shell(source),
        Program::Own(words) => SpawnError::Own {
            program: words.first().cloned().unwrap_or_default(),
            source,
        },
        Program::Docker(_) if source.kind() == io::ErrorKind::NotFound => {
            SpawnError::NoDocker(source)
        }
        Program::Docker(_) => SpawnError::Docker(source),
    }
}

fn pipes(process: &mut std::process::Child, request: &Request) -> io::Result<Pipes> {
    let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
    let stdout = process.stdout.take().ok_or_else(missing)?;
    let stderr = process.stderr.take().ok_or_else(missing)?;
    feed(process, request)?;
    Ok(Pipes {
        stdout: Receiver::from_owned_fd(OwnedFd::from(stdout))?,
        stderr: Receiver::from_owned_fd(OwnedFd::from(stderr))?,
    })
}

/// Gives the command its input, and the end of it, without waiting for it to read.
fn feed(process: &mut std::process::Child, request: &Request) -> io::Result<()> {
    let (Some(stdin), Program::Docker(call)) = (process.stdin.take(), &request.program) else {
        return Ok(());
    };
    let mut pipe = Sender::from_owned_fd(OwnedFd::from(stdin))?;
    if let Some(input) = call.input.clone() {
        tokio::spawn(async move {
            // Who ends without reading has no need of it.
            let _ = pipe.write_all(&input).await;
        });
    }
    Ok(())
}
