//! How the runner and the supervisor of a data directory are, for whoever owns the machine.

mod phase;
mod supervisor;

use std::fs;
use std::io;
use std::path::Path;

use reoclo_domain::Timestamp;
use serde::Serialize;

use crate::data_dir::{DataDir, SUPERVISORS};
use crate::enrolled::Enrolled;
use crate::facts::hostname;
use crate::lock::{SUCCEEDED_LOCK, is_held, is_running};

pub(crate) use phase::{Phase, PhaseFile};
pub(crate) use supervisor::{Request, SupervisorAnswer, ask, program_id};

/// What is known about a data directory.
#[derive(Clone, Debug, Serialize)]
pub struct RunnerStatus {
    /// Who this machine is; none before it is enrolled.
    pub server: Option<ServerStatus>,
    /// The runner's process, if there is one.
    pub runner: Option<RunnerProcess>,
    /// The supervisor's process, if there is one.
    pub supervisor: Option<SupervisorStatus>,
    /// Supervisors of earlier programs that go on with their last operations; left out where there
    /// are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub previous_supervisors: Vec<SupervisorStatus>,
}

/// Who this machine is.
#[derive(Clone, Debug, Serialize)]
pub struct ServerStatus {
    /// The server's id.
    pub id: String,
    /// The organization that it belongs to.
    pub organization_id: String,
    /// The control plane's address.
    pub url: String,
    /// The control plane said that the server was removed.
    pub was_removed: bool,
}

/// A runner that is there.
#[derive(Clone, Debug, Serialize)]
pub struct RunnerProcess {
    /// Its process.
    pub pid: u32,
    /// Its version, once it said so.
    pub version: Option<String>,
    /// `connecting`, `connected` or `waiting` (until it tries again).
    pub state: &'static str,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it waits.
    pub reason: Option<String>,
    /// The fingerprint by which the control plane tells this machine from a copy of it.
    pub machine: Option<String>,
    /// What this machine calls itself.
    pub host_name: String,
}

/// A supervisor that is there.
#[derive(Clone, Debug, Serialize)]
pub struct SupervisorStatus {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Operations that run now.
    pub running_operations: u64,
    /// Since when it is there.
    pub since: Timestamp,
}

impl RunnerStatus {
    /// Whether the runner has a connection on which the control plane said welcome.
    pub fn is_connected(&self) -> bool {
        let runner = self.runner.as_ref();
        runner.is_some_and(|runner| runner.state == Phase::Connected.as_str())
    }
}

/// Looks, and changes nothing.
pub async fn status(data_dir: &Path) -> io::Result<RunnerStatus> {
    let dir = DataDir::unopened(data_dir);
    let enrolled = Enrolled::load(&dir)?;
    let runner = is_running(data_dir)?.map(|pid| runner(&dir, pid));
    // One that does not answer is none that works.
    let supervisor = ask(&dir, Request::Status).await.ok();
    Ok(RunnerStatus {
        server: enrolled.map(|enrolled| ServerStatus {
            id: enrolled.server_id,
            organization_id: enrolled.organization_id,
            url: enrolled.url,
            was_removed: enrolled.removed,
        }),
        runner,
        supervisor: supervisor.map(SupervisorAnswer::into_status),
        previous_supervisors: previous(&dir).await,
    })
}

async fn previous(dir: &DataDir) -> Vec<SupervisorStatus> {
    let mut found = Vec::new();
    let places = fs::read_dir(dir.join(SUPERVISORS)).into_iter().flatten();
    for place in places.flatten() {
        let place = DataDir::unopened(&place.path());
        if is_held(&place.join(SUCCEEDED_LOCK))
            && let Ok(answer) = ask(&place, Request::Status).await
        {
            found.push(answer.into_status());
        }
    }
    found
}

/// What another process wrote before this one says nothing about it.
fn runner(dir: &DataDir, pid: u32) -> RunnerProcess {
    let known = PhaseFile::load(dir).filter(|known| known.pid == pid);
    let phase = known
        .as_ref()
        .map_or(Phase::Connecting, |known| known.phase);
    RunnerProcess {
        pid,
        state: phase.as_str(),
        since: known
            .as_ref()
            .map(|known| Timestamp::from_micros(known.since)),
        reason: known.as_ref().and_then(|known| known.reason.clone()),
        machine: known.as_ref().and_then(|known| known.machine.clone()),
        host_name: hostname(),
        version: known.map(|known| known.version),
    }
}
