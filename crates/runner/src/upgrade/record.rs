//! `upgrade.json`: how the last change of the program went.

use std::fs;
use std::io;

use reoclo_wire::handshake::{ProgramOffer, UpgradeFailure};
use serde::{Deserialize, Serialize};

use super::download::own_checksum;
use crate::data_dir::DataDir;

const FILE: &str = "upgrade.json";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// The new program is in its place and has not connected yet.
    Trying,
    /// It has connected.
    Done,
    /// It is no good.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) state: State,
    version: String,
    pub(super) sha256: String,
    pub(super) previous_sha256: String,
    #[serde(default)]
    reason: String,
    /// The control plane knows that it failed.
    #[serde(default)]
    reported: bool,
}

impl Record {
    pub(super) fn new(offer: &ProgramOffer, own: String) -> Self {
        Self {
            state: State::Trying,
            version: offer.version.clone(),
            sha256: offer.sha256.clone(),
            previous_sha256: own,
            reason: String::new(),
            reported: false,
        }
    }

    pub(super) fn fail(&mut self, reason: String) {
        self.state = State::Failed;
        self.reason = reason;
    }

    /// None when there is none that can be read.
    pub(super) fn load(dir: &DataDir) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(FILE)).ok()?).ok()
    }

    pub(super) fn save(&self, dir: &DataDir) -> io::Result<()> {
        dir.replace(FILE, &serde_json::to_vec(self)?)
    }

    /// Whether a new program is in its place and has yet to connect.
    pub(super) fn is_trying(dir: &DataDir) -> bool {
        Self::load(dir).is_some_and(|record| record.state == State::Trying)
    }
}

/// This process has connected: if it is the new program, it stays.
pub(crate) fn confirm(dir: &DataDir) -> io::Result<()> {
    let Some(mut record) = Record::load(dir).filter(|record| record.state == State::Trying) else {
        return Ok(());
    };
    // The previous program may be the one that is running, with the new one not yet begun.
    if own_checksum()? != record.sha256 {
        return Ok(());
    }
    record.state = State::Done;
    tracing::info!(
        version = record.version,
        "the new program is connected and stays"
    );
    record.save(dir)
}

/// A failure that the control plane does not know of.
pub(crate) fn unreported(dir: &DataDir) -> Option<UpgradeFailure> {
    let record = Record::load(dir)?;
    (record.state == State::Failed && !record.reported).then_some(UpgradeFailure {
        version: record.version,
        sha256: record.sha256,
        reason: record.reason,
    })
}

/// The control plane knows.
pub(crate) fn note_reported(dir: &DataDir) -> io::Result<()> {
    match Record::load(dir) {
        Some(mut record) if record.state == State::Failed => {
            record.reported = true;
            record.save(dir)
        }
        _ => Ok(()),
    }
}
