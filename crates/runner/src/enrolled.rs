//! `runner.json`: what enrolment settled, kept for later starts.

use std::fs;
use std::io;
use std::path::PathBuf;

use reoclo_wire::enrolment::EnrolReply;
use serde::{Deserialize, Serialize};

use crate::data_dir::DataDir;

const FILE: &str = "runner.json";

/// Which server this is, of which control plane, and where that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enrolled {
    pub(crate) url: String,
    pub(crate) server_id: String,
    pub(crate) organization_id: String,
    pub(crate) control_plane_id: String,
    #[serde(default)]
    pub(crate) ca_cert: Option<PathBuf>,
    /// The control plane has removed the server: a new token makes it another.
    #[serde(default)]
    pub(crate) removed: bool,
}

impl Enrolled {
    pub(crate) fn new(url: String, ca_cert: Option<PathBuf>, reply: EnrolReply) -> Self {
        Self {
            url,
            server_id: reply.server_id,
            organization_id: reply.organization_id,
            control_plane_id: reply.control_plane_id,
            ca_cert,
            removed: false,
        }
    }

    /// Reads the file; `None` when there is none.
    pub(crate) fn load(dir: &DataDir) -> io::Result<Option<Self>> {
        match fs::read(dir.join(FILE)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn save(&self, dir: &DataDir) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        dir.replace(FILE, &text)
    }
}
