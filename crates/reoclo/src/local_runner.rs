//! The runner of this machine, as a process of its own.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context;
use reoclo_control::{Control, Drain, LocalOwner};
use reoclo_domain::{OrganizationId, ServerId};
use reoclo_runner::no_stdio;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::ambient;
use crate::config::Config;
use crate::exit::DECOMMISSIONED;

/// After a start that the system did not allow, such as for want of memory.
const UNSTARTED_DELAY: Duration = Duration::from_secs(10);
const RESTART_DELAY: Duration = Duration::from_secs(1);
const UNSTARTED: &str = "cannot start the runner of this machine";
const STOP_TIME: Duration = Duration::from_secs(3);
const TAKE_OVER_POLL: Duration = Duration::from_millis(5);

/// What the runner of this machine needs before it can be started.
pub(crate) struct LocalRunner {
    dir: PathBuf,
    server: ServerId,
    host_name: String,
    program: PathBuf,
    arguments: Vec<String>,
}

/// The server that this machine is, chosen at the first start.
pub(crate) fn server_of(data_dir: &Path) -> anyhow::Result<ServerId> {
    local_server_id(&data_dir.join("local-server"))
}

/// The runner while it is kept alive.
pub(crate) struct KeptRunner {
    stop: watch::Sender<bool>,
    keeping: JoinHandle<()>,
}

impl LocalRunner {
    /// Chooses the server's id before anything is stored under it, so that a kill in between
    /// leaves no second server behind.
    pub(crate) fn prepare(
        data_dir: &Path,
        config: &Config,
        open_files: Option<u64>,
    ) -> anyhow::Result<Self> {
        let host_name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let mut arguments = Vec::new();
        let mut add = |flag: &str, value: Option<String>| {
            if let Some(value) = value {
                arguments.extend([flag.to_owned(), value]);
            }
        };
        add("--exec-user", config.exec_user.clone());
        add("--open-files", open_files.map(|files| files.to_string()));
        add(
            "--kill-grace",
            config.timing.kill_grace.map(|seconds| seconds.to_string()),
        );
        add(
            "--supervisor-idle",
            config
                .timing
                .supervisor_idle
                .map(|seconds| seconds.to_string()),
        );
        add(
            "--ca-cert",
            config
                .tls
                .as_ref()
                .map(|tls| tls.certificate.display().to_string()),
        );
        Ok(Self {
            dir: data_dir.join("runner"),
            server: server_of(data_dir)?,
            host_name,
            program: std::env::current_exe().context("cannot find the program itself")?,
            arguments,
        })
    }

    pub(crate) const fn server(&self) -> ServerId {
        self.server
    }

    pub(crate) fn host_name(&self) -> &str {
        &self.host_name
    }

    /// Says why there is no runner, and how to have one again.
    pub(crate) fn warn_about_removal(&self) {
        let data = self.dir.parent().unwrap_or(&self.dir).display();
        tracing::warn!(
            "this machine's server was removed, so no runner is started: to add the machine \
             again, stop, remove {data}/local-server and {data}/runner, and start again"
        );
    }

    /// Starts the runner and keeps it alive. One that an earlier process left is replaced; what
    /// it started runs on under its supervisor.
    pub(crate) async fn start(
        self,
        control: &Control,
        organization: OrganizationId,
        url: &str,
    ) -> anyhow::Result<KeptRunner> {
        self.take_over().await?;
        let token = self.token(control, organization).await?;
        let child = self.spawn(url, token.as_deref())?;
        let (stop, stopping) = watch::channel(false);
        let (url, drain) = (url.to_owned(), control.drain().clone());
        let keeping = tokio::spawn(async move {
            self.keep(child, &url, token.as_deref(), drain, stopping)
                .await;
        });
        Ok(KeptRunner { stop, keeping })
    }

    /// Ends a runner of an earlier process: it may be on its way to an address of the past.
    async fn take_over(&self) -> anyhow::Result<()> {
        while let Some(pid) = reoclo_runner::is_running(&self.dir)? {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // It may be gone already, which is all that is wanted.
                let _ = kill_process(pid, Signal::TERM);
            }
            sleep(TAKE_OVER_POLL).await;
        }
        Ok(())
    }

    /// An enrolment token, unless the server knows this runner already.
    async fn token(
        &self,
        control: &Control,
        organization: OrganizationId,
    ) -> anyhow::Result<Option<String>> {
        let identity = control.store().runner_identity(self.server).await?;
        let enrolled = identity.is_some_and(|identity| identity.public_key.is_some());
        let state = self.dir.join("runner.json");
        if enrolled && state.exists() {
            return Ok(None);
        }
        remove_if_there(&state)?;
        let owner = LocalOwner::over_admin_socket();
        let token = control
            .servers()
            .renew_enrolment_for_owner(&owner, organization, self.server)
            .await?;
        Ok(Some(token.expose().to_owned()))
    }

    fn spawn(&self, url: &str, token: Option<&str>) -> anyhow::Result<Child> {
        let mut command = Command::new(&self.program);
        command
            .args(["runner", "--url", url, "--data-dir"])
            .arg(&self.dir)
            .args(&self.arguments)
            .stdin(no_stdio().context(UNSTARTED)?)
            .stdout(no_stdio().context(UNSTARTED)?);
        // Not an argument: those are for everyone to see.
        if let Some(token) = token {
            command.env("REOCLO_ENROLMENT_TOKEN", token);
        }
        command
            .spawn()
            .with_context(|| self.program.display().to_string())
            .context(UNSTARTED)
    }

    async fn keep(
        self,
        mut child: Child,
        url: &str,
        token: Option<&str>,
        drain: Drain,
        mut stopping: watch::Receiver<bool>,
    ) {
        loop {
            tokio::select! {
                ended = child.wait() => {
                    if ended.as_ref().is_ok_and(|status| was_removed(*status)) {
                        tracing::warn!("this machine's server was removed: no runner is kept for it");
                        return;
                    }
                    // Who stops this process often tells the whole group, in no certain order.
                    tokio::select! {
                        () = sleep(RESTART_DELAY) => {}
                        () = drain.begun() => return,
                        () = stop_wanted(&mut stopping) => return,
                    }
                    let how = ended.map_or_else(|error| error.to_string(), |ended| ended.to_string());
                    tracing::error!("the runner of this machine ended ({how}) and is started again");
                }
                () = stop_wanted(&mut stopping) => return end(child).await,
            }
            // It may have ended before it was enrolled; else it does not look at the token.
            child = loop {
                match self.spawn(url, token) {
                    Ok(started) => break started,
                    Err(error) => tracing::error!("{error:#}"),
                }
                tokio::select! {
                    () = sleep(UNSTARTED_DELAY) => {}
                    () = drain.begun() => return,
                    () = stop_wanted(&mut stopping) => return,
                }
            };
        }
    }
}

impl KeptRunner {
    /// Ends the runner; commands go on under its supervisor.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        // The task only waits for the process.
        let _ = self.keeping.await;
    }
}

fn was_removed(status: ExitStatus) -> bool {
    status.code() == Some(i32::from(DECOMMISSIONED))
}

async fn stop_wanted(stopping: &mut watch::Receiver<bool>) {
    // A sender that is gone wants nothing to run any more.
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn end(mut child: Child) {
    let pid = child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = kill_process(pid, Signal::TERM);
    }
    if timeout(STOP_TIME, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

/// The id in the file, or a new one that is on disk before it is used.
fn local_server_id(file: &Path) -> anyhow::Result<ServerId> {
    match std::fs::read_to_string(file) {
        Ok(text) => text
            .trim()
            .parse()
            .with_context(|| format!("{} holds no server id: remove it", file.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = ServerId::new(&*ambient::clock(), &*ambient::entropy());
            let written = || {
                let mut options = std::fs::OpenOptions::new();
                let mut written = options
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(file)?;
                writeln!(written, "{id}")?;
                written.sync_all()
            };
            if let Err(error) = written() {
                // Half of it would be no id.
                let _ = std::fs::remove_file(file);
                return Err(error).with_context(|| format!("cannot write {}", file.display()));
            }
            Ok(id)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

fn remove_if_there(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
