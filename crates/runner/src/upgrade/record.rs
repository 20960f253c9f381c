//! `upgrade.json`: how the last change of the program went.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use reoclo_domain::Timestamp;
use reoclo_wire::handshake::{ProgramOffer, UpgradeFailure};
use serde::{Deserialize, Serialize};

use super::download::{checksum, own_checksum};
use crate::data_dir::DataDir;

const FILE: &str = "upgrade.json";
/// The longest pause before a program is tried again.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

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

/// How a program failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// It ended by itself, and would do so again.
    End,
    /// It took too long, as on a day on which everything does: it may do better later.
    #[default]
    Time,
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
    #[serde(default)]
    kind: Kind,
    /// How often this program has failed.
    #[serde(default)]
    failures: u32,
    /// When it last did, in microseconds since 1970.
    #[serde(default)]
    failed_at: i64,
}

impl Record {
    /// `before` is what was noted of the change before this one.
    pub(super) fn new(offer: &ProgramOffer, own: String, before: Option<&Self>) -> Self {
        let same = before.filter(|before| before.sha256 == offer.sha256);
        Self {
            state: State::Trying,
            version: offer.version.clone(),
            sha256: offer.sha256.clone(),
            previous_sha256: own,
            reason: String::new(),
            reported: false,
            kind: Kind::default(),
            failures: same.map_or(0, |same| same.failures),
            failed_at: 0,
        }
    }

    pub(super) fn fail(&mut self, (kind, reason): (Kind, &str), now: Timestamp) {
        self.state = State::Failed;
        reason.clone_into(&mut self.reason);
        self.kind = kind;
        self.failures = self.failures.saturating_add(1);
        self.failed_at = now.as_micros();
    }

    /// When a program that failed may be tried again; never when it ended by itself. The pause
    /// doubles with every failure.
    pub(super) fn again_at(&self, pause: Duration) -> Option<Timestamp> {
        let doubled = 1 << self.failures.saturating_sub(1).min(16);
        let pause = pause.saturating_mul(doubled).min(LONGEST_PAUSE);
        (self.kind == Kind::Time).then(|| Timestamp::from_micros(self.failed_at).plus(pause))
    }

    /// None when there is none that can be read.
    pub(super) fn load(dir: &DataDir) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(FILE)).ok()?).ok()
    }

    pub(super) fn save(&self, dir: &DataDir) -> io::Result<()> {
        dir.replace(FILE, &serde_json::to_vec(self)?)
    }

    /// The record of a new program that is in its place, or was about to be, and has yet to
    /// connect.
    pub(super) fn trying(dir: &DataDir) -> Option<Self> {
        Self::load(dir).filter(|record| record.state == State::Trying)
    }

    /// Whether the file holds the new program.
    pub(super) fn is_of(&self, program: &Path) -> bool {
        checksum(program).is_ok_and(|found| found == self.sha256)
    }

    /// Whether the file holds the program of before.
    pub(super) fn is_after(&self, program: &Path) -> bool {
        checksum(program).is_ok_and(|found| found == self.previous_sha256)
    }

    /// As if there had been no change.
    pub(super) fn forget(dir: &DataDir) -> io::Result<()> {
        match fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => dir.sync(),
        }
    }
}

/// Whether this process is a new program that has yet to connect. Whatever it ends with, its
/// service has to start it again: the guard may be about to put the previous one back.
pub fn is_on_trial(data_dir: &Path) -> bool {
    Record::trying(&DataDir::unopened(data_dir))
        .is_some_and(|record| own_checksum().is_ok_and(|own| own == record.sha256))
}

/// This process has connected: if it is the new program, it stays.
pub(crate) fn confirm(dir: &DataDir) -> io::Result<()> {
    let Some(mut record) = Record::trying(dir) else {
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
