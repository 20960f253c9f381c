use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::fstat;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::{Receiver, Sender};

use super::cgroup::{Group, Groups};
use super::exit::{Exit, ExitWatch};
use super::launch::{self, Before, Detachment, Entry, Launch, NotLaunched};
use super::pump::Pipes;
use super::request::Program;
use super::tree::{Mark, TAG, Tree};
use super::{Request, User, UserError, script};
use crate::nothing::nothing;
use crate::operation::Operation;
use crate::orphans::Own;
use crate::process;
use crate::spool::StartedProcess;

const SHELL: &str = "/bin/sh";

/// A command could not be started. The message is for whoever asked for it.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpawnError {
    #[error("the server does not know as whom to run it: {0}")]
    User(#[from] UserError),
    #[error("the working directory {0} does not exist on the server")]
    WorkingDirectory(PathBuf),
    #[error("the working directory {0} is no directory on the server")]
    NoDirectory(PathBuf),
    #[error(
        "the working directory {} is out of reach: the user {user:?} may not enter {}",
        .directory.display(),
        if .closed == .directory { "it".into() } else { .closed.to_string_lossy() }
    )]
    Closed {
        user: String,
        closed: PathBuf,
        directory: PathBuf,
    },
    #[error("the server cannot start {SHELL}: {0}")]
    Shell(#[source] io::Error),
    #[error(
        "the server cannot start the interpreter {interpreter:?} that the command's first line \
         names: {source}"
    )]
    Interpreter {
        interpreter: String,
        source: io::Error,
    },
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
    #[error("the server cannot give the command its input and its output: {0}")]
    Pipes(#[source] io::Error),
}

impl SpawnError {
    /// The field of the request that is to blame, if one is.
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::WorkingDirectory(_) | Self::NoDirectory(_) | Self::Closed { .. } => {
                "working_directory"
            }
            Self::User(_)
            | Self::Shell(_)
            | Self::Interpreter { .. }
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
    own: Own,
    /// The process, and the group that it leads.
    pid: Pid,
    exit: ExitWatch,
    tree: Arc<Tree>,
}

/// Starts the command. Called on a runtime's thread: the pipes are read by it.
pub(super) fn spawn(
    request: &Request,
    user: &User,
    operation: &Operation,
    groups: &Arc<Groups>,
) -> Result<(Child, Pipes), SpawnError> {
    let directory = working_directory(request, user)?;
    let text = match &request.program {
        Program::Script(script) => Some(script.open()),
        _ => None,
    };
    let text = text
        .transpose()
        .map_err(|error| not_started(request, error))?;
    let (mut command, before) = command(request, user, &directory, text);
    let id = operation.id();
    command.env(TAG, id.to_string());
    let before = Mark::of(id).taken_on(before);
    let (ours, theirs) = ends(request, user).map_err(SpawnError::Pipes)?;
    let (own, pid, group) = start(&command, before.as_ref(), &theirs, groups)
        .map_err(|error| unable(request, user, &directory, error))?;
    drop(theirs);
    if let Some(journal) = operation.journal() {
        journal.runs(noted(pid, group.as_ref(), &ours));
    }
    let child = Child {
        own,
        pid,
        exit: ExitWatch::new(pid),
        tree: Arc::new(Tree::new(pid, id, groups, group)),
    };
    match pipes(ours, request) {
        Ok(pipes) => Ok((child, pipes)),
        Err(error) => {
            child.discard();
            Err(SpawnError::Pipes(error))
        }
    }
}

/// What another supervisor needs to find it again, should this one be killed.
fn noted(pid: Pid, group: Option<&Group>, ours: &OwnEnds) -> StartedProcess {
    let pid = pid.as_raw_nonzero().get().unsigned_abs();
    let pipes = [&ours.stdout, &ours.stderr].into_iter();
    // It leads a group, and so it is in the session that it was born in.
    let child = process::can_be_seen().then(|| process::find(pid)).flatten();
    StartedProcess {
        pid,
        begun: child.as_ref().map_or(0, |child| child.begun),
        session: child.map_or(0, |child| child.session),
        group: group.map(|group| group.path().to_owned()),
        pipes: pipes
            .filter_map(|pipe| Some(fstat(pipe).ok()?.st_ino))
            .collect(),
    }
}

/// Starts it in a cgroup of its own, where there can be one.
fn start(
    command: &Command,
    before: Option<&Before>,
    stdio: &Ends,
    groups: &Groups,
) -> io::Result<(Own, Pid, Option<Group>)> {
    let launched = |group: Option<&Group>| {
        let launch = Launch {
            command,
            known_as: None,
            stdio: [&stdio.stdin, &stdio.stdout, &stdio.stderr].map(AsFd::as_fd),
            entry: group.map_or(Entry::None, Group::entry),
            before,
            detachment: Detachment::Group,
        };
        let mut started = None;
        let own = Own::start(|| {
            let pid = launch::launch(&launch)?;
            started = Some(pid);
            Ok::<_, NotLaunched>(pid.as_raw_nonzero().get().unsigned_abs())
        })?;
        started
            .map(|pid| (own, pid))
            .ok_or_else(|| NotLaunched::from(io::Error::from(io::ErrorKind::Other)))
    };
    let group = groups.take();
    match launched(group.as_ref()) {
        Ok((own, pid)) => return Ok((own, pid, group)),
        Err(error) => match group {
            Some(group) if error.at_group => groups.give_up(&group, &error.source),
            Some(group) => {
                groups.give_back(group);
                return Err(error.source);
            }
            None => return Err(error.source),
        },
    }
    let (own, pid) = launched(None).map_err(|error| error.source)?;
    Ok((own, pid, None))
}

impl Child {
    /// Waits for the process to end; may be dropped and called again.
    pub(super) async fn exited(&mut self) {
        self.exit.ended().await;
    }

    /// Everything that it started.
    pub(super) fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree)
    }

    /// Takes the process's status; `None` when it has not ended.
    pub(super) fn reap(&self) -> Option<Exit> {
        self.own
            .take(|| match waitpid(Some(self.pid), WaitOptions::NOHANG) {
                Ok(ended) => ended.map(|(_, status)| status.into()),
                Err(error) => {
                    tracing::error!(%error, "a command's status was lost");
                    Some(Exit {
                        code: reoclo_domain::EXIT_LOST,
                        signal: 0,
                    })
                }
            })
    }

    /// Kills what nobody will read from.
    pub(super) fn discard(mut self) {
        tokio::spawn(async move {
            let tree = self.tree();
            let killed = tokio::task::spawn_blocking(move || tree.kill(Duration::from_secs(1)));
            let _ = killed.await;
            self.reap_later().await;
        });
    }

    /// Takes the status whenever there is one.
    pub(super) async fn reap_later(&mut self) {
        self.exited().await;
        self.reap();
    }
}

fn working_directory(request: &Request, user: &User) -> Result<PathBuf, SpawnError> {
    if request.working_directory.is_empty() {
        return Ok(user.start_directory());
    }
    let directory = user.start_directory().join(&request.working_directory);
    let named = || request.working_directory.clone().into();
    match directory.metadata() {
        Ok(found) if found.is_dir() => Ok(directory),
        Ok(_) => Err(SpawnError::NoDirectory(named())),
        // The user may see what this process may not, and finds out by entering it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(directory),
        Err(_) => Err(SpawnError::WorkingDirectory(named())),
    }
}

/// What is started, and what is done in the child before it is.
fn command(
    request: &Request,
    user: &User,
    directory: &Path,
    text: Option<OwnedFd>,
) -> (Command, Option<Before>) {
    let mut command = program(request, text.as_ref());
    command
        .env_clear()
        .envs(user.environment())
        .envs(&request.env);
    if let Program::Docker(call) = &request.program {
        command.envs(call.cli.environment().iter().cloned());
    }
    let before = user.become_in(&mut command, directory);
    match text {
        Some(text) => (command, Some(script::inherited(text, before))),
        None => (command, before),
    }
}

fn program(request: &Request, text: Option<&OwnedFd>) -> Command {
    match &request.program {
        Program::Script(script) => script.command(text),
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
            let mut command = Command::new(&call.program);
            command.args(&call.args);
            command
        }
    }
}

/// What kept the command from starting: a directory that its user may not enter, or else the
/// program.
fn unable(request: &Request, user: &User, directory: &Path, source: io::Error) -> SpawnError {
    let closed = (source.kind() == io::ErrorKind::PermissionDenied)
        .then(|| user.closed_directory(directory))
        .flatten();
    match closed {
        Some(closed) => SpawnError::Closed {
            user: user.name().to_owned(),
            closed,
            directory: directory.to_owned(),
        },
        None => not_started(request, source),
    }
}

fn not_started(request: &Request, source: io::Error) -> SpawnError {
    match &request.program {
        Program::Shell(_) => SpawnError::Shell(source),
        Program::Script(script) => SpawnError::Interpreter {
            interpreter: script.interpreter().to_owned(),
            source,
        },
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

/// The command's ends of its pipes.
struct Ends {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

/// Our ends of them.
struct OwnEnds {
    /// Where a command reads something.
    stdin: Option<OwnedFd>,
    stdout: OwnedFd,
    stderr: OwnedFd,
}

/// Pipes that belong to the user, and nothing to read where there is no input.
fn ends(request: &Request, user: &User) -> io::Result<(OwnEnds, Ends)> {
    let (stdin, own_stdin) = match &request.program {
        Program::Docker(call) if call.input.is_some() => {
            let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
            user.own(&read)?;
            (read, Some(write))
        }
        _ => (nothing()?, None),
    };
    let (own_stdout, stdout) = pipe_with(PipeFlags::CLOEXEC)?;
    let (own_stderr, stderr) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stdout, stderr) = (unbreakable(stdout), unbreakable(stderr));
    user.own(&stdout)?;
    user.own(&stderr)?;
    let ours = OwnEnds {
        stdin: own_stdin,
        stdout: own_stdout,
        stderr: own_stderr,
    };
    let theirs = Ends {
        stdin,
        stdout,
        stderr,
    };
    Ok((ours, theirs))
}

/// The writing end of a pipe as one that could read too. Whoever has it is a reader, so that no
/// write ends it should the supervisor be killed: it goes on, or waits once the pipe is full, for
/// the next supervisor.
fn unbreakable(end: OwnedFd) -> OwnedFd {
    let path = format!("/proc/self/fd/{}", end.as_raw_fd());
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map_or(end, OwnedFd::from)
}

fn pipes(ends: OwnEnds, request: &Request) -> io::Result<Pipes> {
    feed(ends.stdin, request)?;
    Ok(Pipes {
        stdout: Receiver::from_owned_fd(ends.stdout)?,
        stderr: Receiver::from_owned_fd(ends.stderr)?,
    })
}

/// Gives the command its input, and the end of it, without waiting for it to read.
fn feed(stdin: Option<OwnedFd>, request: &Request) -> io::Result<()> {
    let (Some(stdin), Program::Docker(call)) = (stdin, &request.program) else {
        return Ok(());
    };
    let mut pipe = Sender::from_owned_fd(stdin)?;
    if let Some(input) = call.input.clone() {
        tokio::spawn(async move {
            // Who ends without reading has no need of it.
            let _ = pipe.write_all(&input).await;
        });
    }
    Ok(())
}
