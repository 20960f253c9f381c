//! A running `reoclo up`.

mod unlimited;

use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::json;

use crate::http::{Connection, Request};
use crate::lab::runtime;
use crate::processes::{self, Process};

pub(crate) use unlimited::RATE_LIMIT;

/// How much of a log is shown when a start fails.
const LOG_BYTES: usize = 2000;

/// A control plane with its runner and its supervisor; all end when it is dropped.
pub(crate) struct Instance {
    child: Child,
    data_dir: PathBuf,
    started: Started,
}

/// The line that a start prints (DESIGN 7), as far as it is needed.
#[derive(Deserialize)]
struct Started {
    url: String,
    organization: Named,
    server: Named,
    automation_key: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Instance {
    /// Starts `reoclo up` and waits for the line that says that it is ready.
    pub(crate) fn start(binary: &Path, data_dir: &Path) -> Result<Self> {
        let log = data_dir.with_extension("log");
        let mut child = command(binary, data_dir)
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let Some(line) = read_line(&mut child)? else {
            let status = child.wait()?;
            bail!("reoclo up ended with {status}: {}", tail(&log));
        };
        Ok(Self {
            child,
            data_dir: data_dir.to_owned(),
            started: serde_json::from_str(&line).context("reoclo up printed no JSON")?,
        })
    }

    /// Starts it a second time, with an automation key that has no limit worth the name.
    pub(crate) fn start_unlimited(binary: &Path, data_dir: &Path) -> Result<Self> {
        let first = Self::start(binary, data_dir)?;
        let key = first.automation_key()?.to_owned();
        first.stop();
        let key = runtime()?.block_on(unlimited::make(data_dir, &key))?;
        let mut second = Self::start(binary, data_dir)?;
        second.started.automation_key = Some(key.expose().to_owned());
        Ok(second)
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The organization that the start made.
    pub(crate) fn organization(&self) -> &str {
        &self.started.organization.id
    }

    /// The process with this role: `up`, `runner` or `supervisor`.
    pub(crate) fn process(&self, role: &str) -> Result<Process> {
        let all = processes::under(&self.data_dir);
        let found = all.into_iter().find(|process| process.role == role);
        found.with_context(|| format!("there is no process reoclo {role}"))
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
        let body = json!({
            "server_id": self.started.server.id,
            "command": command,
            "timeout_seconds": 60,
        });
        let path = "/api/automation/v1/exec";
        let (host, key) = (self.address()?, self.automation_key()?);
        Ok(Request::post(host, path, key, &body.to_string()))
    }

    /// Ends all of it.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn automation_key(&self) -> Result<&str> {
        let key = self.started.automation_key.as_deref();
        key.context("a later start shows no automation key")
    }

    fn address(&self) -> Result<&str> {
        let url = &self.started.url;
        url.strip_prefix("http://")
            .with_context(|| format!("{url} is not plain HTTP"))
    }

    fn end(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
        processes::end_all(&self.data_dir);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.end();
        }
    }
}

/// Nothing of the environment or of a configuration file changes how it works.
fn command(binary: &Path, data_dir: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("REOCLO_") {
            command.env_remove(name);
        }
    }
    command
        .args(["up", "--output", "json", "--listen", "127.0.0.1:0"])
        .arg("--data-dir")
        .arg(data_dir)
        .current_dir(data_dir.parent().unwrap_or(Path::new("/")))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);
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
