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
    /// The key that the control plane proves itself with, in base64. A server that was enrolled
    /// before there was such a key pins it at its first connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) control_plane_key: Option<String>,
    /// This server's own public key, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public_key: Option<String>,
    /// SHA-256 of the token that it was enrolled with: the same one again is no news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token_sha256: Option<String>,
    /// The control plane has removed the server: a new token makes it another.
    #[serde(default)]
    pub(crate) removed: bool,
}

impl Enrolled {
    pub(crate) fn new(url: String, ca_cert: Option<PathBuf>, reply: EnrolReply) -> Self {
        Self {
            control_plane_key: reply.control_plane_key,
            public_key: None,
            token_sha256: None,
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

    /// Changes what is stored, unless this machine was made another server meanwhile.
    pub(crate) fn update(
        &mut self,
        dir: &DataDir,
        change: impl FnOnce(&mut Self),
    ) -> io::Result<()> {
        change(self);
        let is_same = |stored: Self| stored.server_id == self.server_id;
        if Self::load(dir)?.is_none_or(is_same) {
            self.save(dir)?;
        }
        Ok(())
    }

    /// Keeps a copy of the file, when there is one, under a name that is not read.
    pub(crate) fn set_aside(dir: &DataDir, suffix: &str) -> io::Result<()> {
        match fs::read(dir.join(FILE)) {
            Ok(text) => dir.replace(&format!("{FILE}.{suffix}"), &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn save(&self, dir: &DataDir) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        dir.replace(FILE, &text)
    }
}
