use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use crate::data_dir::DataDir;

const FILE: &str = "state.json";

/// Where the runner's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// It dials.
    Connecting,
    /// The control plane said welcome.
    Connected,
    /// It tries again later.
    Waiting,
}

impl Phase {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Waiting => "waiting",
        }
    }
}

/// `state.json`: the runner's last word about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PhaseFile {
    pub(crate) pid: u32,
    pub(crate) version: String,
    pub(crate) phase: Phase,
    /// Microseconds since 1970.
    pub(crate) since: i64,
    #[serde(default)]
    pub(crate) reason: Option<String>,
    /// The fingerprint under which the control plane knows this machine.
    #[serde(default)]
    pub(crate) machine: Option<String>,
}

impl PhaseFile {
    /// None when there is none that can be read.
    pub(crate) fn load(dir: &DataDir) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(FILE)).ok()?).ok()
    }

    pub(crate) fn save(&self, dir: &DataDir) -> io::Result<()> {
        dir.replace(FILE, &serde_json::to_vec(self)?)
    }
}
