//! `reoclo serve` on a PostgreSQL, and a runner.

use std::fs::File;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::server::Server;
use crate::http::{Connection, Request};
use crate::instance::{reoclo, unlimited};
use crate::lab::{Lab, runtime};
use crate::{ports, processes};

/// How long anything may take until it is there.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// Both, with keys that no rate limit holds up; all of it ends when it is dropped.
pub(super) struct Served {
    directory: PathBuf,
    address: String,
    server: String,
    keys: Vec<String>,
}

impl Served {
    pub(super) fn start(lab: &Lab, database: &Server, keys: usize) -> Result<Self> {
        let [port] = ports::free()?;
        let mut served = Self {
            directory: lab.scratch.new_path("postgres"),
            address: format!("127.0.0.1:{port}"),
            server: String::new(),
            keys: Vec::new(),
        };
        std::fs::create_dir(&served.directory)?;
        let first = served.serve(lab, database)?;
        let text = |value: &Value, what: &str| {
            let text = value.as_str().with_context(|| format!("no {what}"))?;
            anyhow::Ok(text.to_owned())
        };
        let integration = text(&first["integration_key"], "integration key")?;
        let automation = text(&first["automation_key"], "automation key")?;
        served.begin_runner(lab, &text)?;
        served.wait_until_active(&integration)?;
        processes::end_role(&served.directory, "serve");
        let address = database.address()?;
        let master_key = served.data().join("master.key");
        let made = unlimited::make_on(address, &master_key, &automation, keys);
        let made = runtime()?.block_on(made)?;
        served.keys = made.iter().map(|key| key.expose().to_owned()).collect();
        served.serve(lab, database)?;
        served.wait_until_active(&integration)?;
        Ok(served)
    }

    pub(super) fn connect(&self) -> Result<Connection> {
        Connection::open(&self.address)
    }

    /// The request that runs `true` with one of the keys.
    pub(super) fn exec(&self, key: usize) -> Result<Request> {
        let key = self.keys.get(key).context("there is no such key")?;
        let body = json!({ "server_id": self.server, "command": "true", "timeout_seconds": 60 });
        let path = "/api/automation/v1/exec";
        Ok(Request::post(&self.address, path, key, &body.to_string()))
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The line that says that it is ready.
    fn serve(&self, lab: &Lab, database: &Server) -> Result<Value> {
        let mut command = reoclo(lab.binary()?);
        command
            .args(["serve", "--output", "json", "--listen", &self.address])
            .arg("--data-dir")
            .arg(self.data())
            .args(["--database-url", &database.url()?])
            .current_dir(&self.directory)
            .stdout(File::create(self.directory.join("ready"))?)
            .stderr(File::create(self.directory.join("serve.log"))?);
        let mut child = command.spawn()?;
        until("the control plane is ready", || {
            if let Some(status) = child.try_wait()? {
                let log = std::fs::read_to_string(self.directory.join("serve.log"));
                bail!("serve ended with {status}: {}", log.unwrap_or_default());
            }
            let text = std::fs::read_to_string(self.directory.join("ready"))?;
            let line = text.split_once('\n').map(|(line, _)| line);
            line.map(|line| Ok(serde_json::from_str(line)?)).transpose()
        })
    }

    fn begin_runner(
        &mut self,
        lab: &Lab,
        text: &impl Fn(&Value, &str) -> Result<String>,
    ) -> Result<()> {
        let mut command = reoclo(lab.binary()?);
        let added = command
            .args(["servers", "add", "bench", "--output", "json", "--data-dir"])
            .arg(self.data())
            .output()?;
        let added: Value = serde_json::from_slice(&added.stdout)?;
        self.server = text(&added["server"]["id"], "server")?;
        let token = text(&added["enrolment_token"], "token")?;
        let mut command = reoclo(lab.binary()?);
        command
            .arg("runner")
            .arg("--data-dir")
            .arg(self.directory.join("runner"))
            .args(["--url", &format!("http://{}", self.address)])
            .args(["--token", &token])
            .args(["--reconnect-most", "1"])
            .current_dir(&self.directory)
            .stderr(File::create(self.directory.join("runner.log"))?);
        command.spawn()?;
        Ok(())
    }

    fn wait_until_active(&self, key: &str) -> Result<()> {
        let request = Request::get(&self.address, "/api/servers", Some(key));
        until("the runner is connected", || {
            let servers = self.connect()?.send(&request)?;
            let servers: Value = serde_json::from_slice(&servers)?;
            let mut servers = servers.as_array().into_iter().flatten();
            Ok(servers
                .find(|server| server["status"] == "active")
                .map(drop))
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        processes::end_all(&self.directory);
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > PATIENCE {
            bail!("this did not happen: {what}");
        }
        sleep(POLL);
    }
}
