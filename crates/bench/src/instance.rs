//! A running `reoclo up`.

pub(crate) mod unlimited;

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Connection, Request};
use crate::lab::runtime;
use crate::processes::{self, Process};

pub(crate) use unlimited::RATE_LIMIT;

/// How much of a log is shown when a start fails.
const LOG_BYTES: usize = 2000;

/// A control plane with its runner and its supervisor; all end when it is dropped.
pub(crate) struct Instance {
    child: Child,
    setup: Setup,
    started: Started,
}

/// What an instance is started with, once and again.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    pub(crate) data_dir: PathBuf,
    /// Where it listens; 0 is any port.
    pub(crate) port: u16,
    /// Where it says how it is.
    pub(crate) metrics_port: Option<u16>,
}

/// The line that a start prints, as far as it is needed.
#[derive(Deserialize)]
struct Started {
    url: String,
    organization: Named,
    server: Named,
    integration_key: Option<String>,
    automation_key: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Setup {
    /// On any port.
    pub(crate) fn new(binary: &Path, data_dir: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            data_dir: data_dir.to_owned(),
            port: 0,
            metrics_port: None,
        }
    }
}

impl Instance {
    /// Starts `reoclo up` and waits for the line that says that it is ready.
    pub(crate) fn start(setup: &Setup) -> Result<Self> {
        let log = setup.data_dir.with_extension("log");
        let mut child = command(setup)
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", setup.binary.display()))?;
        let Some(line) = read_line(&mut child)? else {
            let status = child.wait()?;
            bail!("reoclo up ended with {status}: {}", tail(&log));
        };
        Ok(Self {
            child,
            setup: setup.clone(),
            started: serde_json::from_str(&line).context("reoclo up printed no JSON")?,
        })
    }

    /// Starts it a second time, with an automation key that has no limit worth the name.
    pub(crate) fn start_unlimited(setup: &Setup) -> Result<Self> {
        let mut first = Self::start(setup)?;
        let key = first.automation_key()?.to_owned();
        let mut unlimited = None;
        let data_dir = setup.data_dir.clone();
        first.pause(|| {
            unlimited = Some(runtime()?.block_on(unlimited::make(&data_dir, &key))?);
            Ok(())
        })?;
        first.started.automation_key = unlimited.map(|key| key.expose().to_owned());
        Ok(first)
    }

    /// Stops it, does something with its data directory, and starts it again.
    pub(crate) fn pause(&mut self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        self.end();
        work()?;
        self.start_again()
    }

    /// Ends the control plane at once, and nothing else.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it when it has ended; the keys are those of the first start.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        let mut next = Self::start(&self.setup)?;
        let keys = [
            (
                &mut next.started.automation_key,
                &self.started.automation_key,
            ),
            (
                &mut next.started.integration_key,
                &self.started.integration_key,
            ),
        ];
        for (new, known) in keys {
            new.clone_from(known);
        }
        *self = next;
        Ok(())
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.setup.data_dir
    }

    /// The port of its metrics.
    pub(crate) fn metrics(&self) -> Result<String> {
        let port = self.setup.metrics_port.context("it has no metrics")?;
        Ok(format!("127.0.0.1:{port}"))
    }

    /// The organization that the start made.
    pub(crate) fn organization(&self) -> &str {
        &self.started.organization.id
    }

    /// The process with this role: `up`, `runner` or `supervisor`.
    pub(crate) fn process(&self, role: &str) -> Result<Process> {
        let all = processes::under(&self.setup.data_dir);
        let found = all.into_iter().find(|process| process.role == role);
        found.with_context(|| format!("there is no process reoclo {role}"))
    }

    /// The server that its own runner speaks for.
    pub(crate) fn server(&self) -> &str {
        &self.started.server.id
    }

    /// A connection to its API.
    pub(crate) fn connect(&self) -> Result<Connection> {
        Connection::open(self.address()?)
    }

    /// A request that costs it next to nothing.
    pub(crate) fn liveness(&self) -> Result<Request> {
        Ok(Request::liveness(self.address()?))
    }

    /// The request that runs `command`, as a client of the automation API sends it.
    pub(crate) fn exec(&self, command: &str) -> Result<Request> {
        self.exec_with(command, &json!({}))
    }

    /// The same with variables.
    pub(crate) fn exec_with(&self, command: &str, env: &Value) -> Result<Request> {
        let body = json!({
            "server_id": self.started.server.id,
            "command": command,
            "env": env,
            "timeout_seconds": 60,
        });
        let path = "/api/automation/v1/exec";
        let (host, key) = (self.address()?, self.automation_key()?);
        Ok(Request::post(host, path, key, &body.to_string()))
    }

    /// A request that reads, as a client of the tenant API sends it.
    pub(crate) fn get(&self, path: &str) -> Result<Request> {
        let key = self.started.integration_key.as_deref();
        let key = key.context("a later start shows no integration key")?;
        Ok(Request::get(self.address()?, path, Some(key)))
    }

    /// A request for a page, with the token of a session.
    pub(crate) fn page(&self, path: &str, session: &str) -> Result<Request> {
        Ok(Request::page(self.address()?, path, session))
    }

    /// Ends all of it.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    /// The automation key that commands are run with.
    pub(crate) fn automation_key(&self) -> Result<&str> {
        let key = self.started.automation_key.as_deref();
        key.context("a later start shows no automation key")
    }

    /// Its host and port.
    pub(crate) fn address(&self) -> Result<&str> {
        let url = &self.started.url;
        url.strip_prefix("http://")
            .with_context(|| format!("{url} is not plain HTTP"))
    }

    fn end(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
        processes::end_all(&self.setup.data_dir);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.end();
        }
    }
}

/// The binary; nothing of the environment changes how it works.
pub(crate) fn reoclo(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("REOCLO_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).process_group(0);
    command
}

/// Nor does a configuration file.
fn command(setup: &Setup) -> Command {
    let mut command = reoclo(&setup.binary);
    let address = |port: u16| format!("127.0.0.1:{port}");
    command
        .args(["up", "--output", "json", "--listen", &address(setup.port)])
        .arg("--data-dir")
        .arg(&setup.data_dir)
        .current_dir(setup.data_dir.parent().unwrap_or(Path::new("/")))
        .stdout(Stdio::piped());
    if let Some(port) = setup.metrics_port {
        command.args(["--metrics-listen", &address(port)]);
    }
    command
}

/// The first line of its output; none when it ends without one.
fn read_line(child: &mut Child) -> Result<Option<String>> {
    let output = child.stdout.take().context("its output is not piped")?;
    let mut line = String::new();
    BufReader::new(output.take(1 << 16)).read_line(&mut line)?;
    Ok(Some(line).filter(|line| !line.is_empty()))
}

/// The end of a log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let end = &text[text.len().saturating_sub(LOG_BYTES)..];
    String::from_utf8_lossy(end).trim().to_owned()
}
