//! The supervisor as the runner sees it: a process to start and a socket to connect to.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::data_dir::{DataDir, SOCKET};
use crate::dial::{NO_PROXY_VARIABLES, PROXY_VARIABLES};
use crate::nothing::no_stdio;
use crate::orphans::Own;
use crate::run::with_sources;
use crate::socket;
use crate::spool;
use crate::status::{self, Request};

/// Where the supervisor's log goes: a file, because a pipe to the runner would break with it.
const LOG: &str = "supervisor.log";
/// A log above this size is begun anew with the next supervisor.
const LONGEST_LOG: u64 = 1 << 20;
/// Between two looks at whether something runs while there is no connection.
const LOOK_AT_COMMANDS: Duration = Duration::from_secs(1);
/// The first pause between two looks at whether a started supervisor listens.
const FIRST_LOOK: Duration = Duration::from_millis(2);
/// The longest.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// How to start the supervisor.
#[derive(Clone, Debug)]
pub struct SupervisorCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

/// There is no supervisor to connect to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoSupervisor {
    #[error("cannot start the supervisor")]
    Start(#[source] io::Error),
    #[error("the supervisor ended at once ({0}): see supervisor.log in the data directory")]
    Ended(ExitStatus),
    #[error("the supervisor does not answer: see supervisor.log in the data directory")]
    Silent(#[source] io::Error),
}

/// Starts supervisors and connects to them.
#[derive(Debug)]
pub(crate) struct SupervisorProcess {
    dir: DataDir,
    command: SupervisorCommand,
    patience: Duration,
    /// The one that was started here, until it ends; reaped by the runtime if it is let go.
    child: Option<(Child, Own)>,
    /// The instance that one was started to succeed.
    succeeded: Option<String>,
}

impl SupervisorProcess {
    pub(crate) fn new(dir: DataDir, command: SupervisorCommand, patience: Duration) -> Self {
        Self {
            dir,
            command,
            patience,
            child: None,
            succeeded: None,
        }
    }

    /// Starts a supervisor unless one answers, without waiting for it.
    pub(crate) async fn warm_up(&mut self) -> Result<(), NoSupervisor> {
        match socket::connect(&self.dir, SOCKET).await {
            Ok(_) => Ok(()),
            // It has yet to listen.
            Err(_) if self.child.is_some() && self.status().is_none() => Ok(()),
            Err(_) => self.start(),
        }
    }

    /// Has a supervisor run for as long as there are operations without an end, whether or not
    /// the control plane can be reached: who else would end them in time? Does not come back.
    pub(crate) async fn see_to_commands(&mut self) -> Infallible {
        loop {
            let dir = self.dir.clone();
            let looking = tokio::task::spawn_blocking(move || spool::has_unended(&dir));
            if looking.await.unwrap_or(false)
                && let Err(error) = self.warm_up().await
            {
                tracing::warn!(reason = with_sources(&error), "nobody sees to what runs");
            }
            tokio::time::sleep(LOOK_AT_COMMANDS).await;
        }
    }

    /// Connects, to a supervisor that was just started if need be.
    pub(crate) async fn connect(&mut self) -> Result<UnixStream, NoSupervisor> {
        match socket::connect(&self.dir, SOCKET).await {
            Ok(stream) => Ok(stream),
            Err(error) => {
                let patience = self.patience;
                tokio::time::timeout(patience, self.start_and_connect())
                    .await
                    .unwrap_or(Err(NoSupervisor::Silent(error)))
            }
        }
    }

    /// Has a supervisor of another program than this process's be succeeded by one of this, which
    /// lets it go on with its last commands. Answers whether that is under way.
    pub(crate) async fn succeed_another_program(&mut self) -> bool {
        let Ok(own) = status::program_id() else {
            return false;
        };
        // One that does not answer here is from before there was this socket: it ends when it is
        // idle without a runner.
        let Ok(answer) = status::ask(&self.dir, Request::Status).await else {
            return false;
        };
        if answer.program == own {
            return false;
        }
        let is_tried = self.succeeded.as_ref() == Some(&answer.instance_id);
        if is_tried || answer.instance_id.is_empty() {
            // It still answers, or has no name by which it could be left: when nothing runs.
            return status::ask(&self.dir, Request::Retire).await.is_ok();
        }
        self.succeeded = Some(answer.instance_id);
        match self.start() {
            Ok(()) => true,
            Err(error) => {
                let reason = with_sources(&error);
                tracing::warn!(reason, "the supervisor of another program stays");
                false
            }
        }
    }

    async fn start_and_connect(&mut self) -> Result<UnixStream, NoSupervisor> {
        // How one from before ended is of no interest now.
        if self.status().is_some() {
            self.child = None;
        }
        let mut pause = FIRST_LOOK;
        loop {
            match self.status() {
                Some(status) if !status.success() => return Err(NoSupervisor::Ended(status)),
                None if self.child.is_some() => {}
                _ => self.start()?,
            }
            tokio::time::sleep(pause).await;
            if let Ok(stream) = socket::connect(&self.dir, SOCKET).await {
                return Ok(stream);
            }
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    /// How the one that was started here ended, if it did.
    fn status(&mut self) -> Option<ExitStatus> {
        let (child, _) = self.child.as_mut()?;
        child.try_wait().ok()?
    }

    fn start(&mut self) -> Result<(), NoSupervisor> {
        tracing::info!("starting the supervisor");
        let log = self.open_log().map_err(NoSupervisor::Start)?;
        let mut command = Command::new(&self.command.program);
        // The way out is the runner's own, and its password nobody's else.
        for name in PROXY_VARIABLES.iter().chain(&NO_PROXY_VARIABLES) {
            command.env_remove(name);
        }
        command
            .args(&self.command.args)
            .stdin(no_stdio().map_err(NoSupervisor::Start)?)
            .stdout(no_stdio().map_err(NoSupervisor::Start)?)
            .stderr(log);
        let program = &self.command.program;
        let mut started = None;
        let own = Own::start(|| {
            let spawned = command.spawn().map_err(|error| of(program, &error))?;
            let child = started.insert(spawned);
            child
                .id()
                .ok_or_else(|| io::Error::from(io::ErrorKind::Other))
        });
        let own = own.map_err(NoSupervisor::Start)?;
        self.child = started.map(|child| (child, own));
        Ok(())
    }

    fn open_log(&self) -> io::Result<File> {
        let path = self.dir.join(LOG);
        let opened = || {
            if fs::metadata(&path).is_ok_and(|log| log.len() > LONGEST_LOG) {
                fs::remove_file(&path)?;
            }
            OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&path)
        };
        opened().map_err(|error| of(&path, &error))
    }
}

/// An error that says which file it is about.
fn of(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
