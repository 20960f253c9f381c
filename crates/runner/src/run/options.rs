use std::path::PathBuf;
use std::time::Duration;

use reoclo_domain::Secret;

use crate::{BackOffRange, SupervisorCommand, UpgradeOptions, facts};

/// What a runner is started with.
#[derive(Clone, Debug)]
pub struct RunnerOptions {
    /// Where its identity is kept, and its supervisor's spool.
    pub data_dir: PathBuf,
    /// The control plane's address: needed for the first start, and replaces the stored one later.
    pub url: Option<String>,
    /// The one-time enrolment token: needed for the first start, and ignored later.
    pub token: Option<Secret>,
    /// A PEM file with authorities to trust besides those of the machine; stored too.
    pub ca_cert: Option<PathBuf>,
    /// How to start the supervisor.
    pub supervisor: SupervisorCommand,
    /// What this machine is known by.
    pub machine: MachineFiles,
    /// How to follow the control plane's program; none to stay.
    pub upgrade: Option<UpgradeOptions>,
    /// Limits and pauses.
    pub timing: RunnerTiming,
}

/// Where a machine says which one it is.
#[derive(Clone, Debug)]
pub struct MachineFiles {
    /// Which boot this is.
    pub boot_id: PathBuf,
    /// Which installation this is.
    pub machine_id: PathBuf,
}

impl Default for MachineFiles {
    fn default() -> Self {
        Self {
            boot_id: facts::BOOT_ID.into(),
            machine_id: facts::MACHINE_ID.into(),
        }
    }
}

/// Limits on how long things may take, and pauses between attempts.
#[derive(Clone, Copy, Debug)]
pub struct RunnerTiming {
    /// Pauses before the first connection of this process: somebody is waiting for it.
    pub first_connect: BackOffRange,
    /// Pauses after a lost connection: everybody else may have lost theirs too.
    pub reconnect: BackOffRange,
    /// For TCP and TLS.
    pub dial: Duration,
    /// From the request for a WebSocket to the welcome, and for the whole of an enrolment.
    pub handshake: Duration,
    /// For an enrolment that somebody waits for.
    pub enrolment: Duration,
    /// A connection is lost when it has not taken a message of at most 64 KiB within this time: as
    /// long as it takes the supervisor to notice that its pings are not answered.
    pub stalled_after: Duration,
    /// A connection that lasted this long was a good one: pauses begin small again.
    pub stable_after: Duration,
    /// For a started supervisor to listen.
    pub supervisor_start: Duration,
}

impl Default for RunnerTiming {
    fn default() -> Self {
        Self {
            first_connect: BackOffRange {
                first: Duration::from_millis(100),
                most: Duration::from_secs(10),
            },
            reconnect: BackOffRange {
                first: Duration::from_secs(1),
                most: Duration::from_mins(1),
            },
            dial: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            enrolment: Duration::from_mins(1),
            stalled_after: Duration::from_secs(30),
            stable_after: Duration::from_secs(10),
            supervisor_start: Duration::from_secs(10),
        }
    }
}
