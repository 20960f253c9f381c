//! What the supervisor keeps on disk, so that no operation runs twice or is forgotten.
//!
//! For each operation: `ID.started`, made before its process, which it then names; `ID.stdout` and `ID.stderr`, when
//! there is much output or nobody fetches it; `ID.outcome`, when it has ended and nobody fetches
//! that. No command, no environment and no unmasked output is ever among it.

mod budget;
mod journal;
mod outcome;
mod recover;

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reoclo_domain::{Clock, OperationId};
use serde::{Deserialize, Serialize};

pub(crate) use budget::Budget;
pub(crate) use journal::{Journal, Started, StartedProcess};
pub(crate) use outcome::StoredOutcome;
pub(crate) use recover::{Recovered, Unended, has_unended};

use crate::data_dir::{DataDir, make_private, private_file};
use crate::output::Place;

const DIRECTORY: &str = "spool";
const STARTED: &str = "started";
const OUTCOME: &str = "outcome";
const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

/// Which process, since which boot, started an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) boot_id: String,
    pub(crate) instance_id: String,
}

/// The directory with everything that is kept.
#[derive(Debug)]
pub(crate) struct Spool {
    dir: PathBuf,
    budget: Arc<Budget>,
    origin: Origin,
}

impl Spool {
    /// Opens the spool in `data`, and says what processes before this one left. Those whose
    /// instances are `alive` see to their own.
    pub(crate) fn open(
        data: &DataDir,
        limit: u64,
        origin: Origin,
        alive: &HashSet<String>,
    ) -> io::Result<(Self, Recovered)> {
        let dir = data.join(DIRECTORY);
        make_private(&dir)?;
        let spool = Self {
            dir,
            budget: Arc::new(Budget::new(limit)),
            origin,
        };
        let recovered = recover::recover(&spool, |instance| !alive.contains(instance))?;
        Ok((spool, recovered))
    }

    /// What the process of an instance left that has gone since.
    pub(crate) fn recover_of(&self, instance_id: &str) -> io::Result<Recovered> {
        recover::recover(self, |instance| instance == instance_id)
    }

    /// What is kept of an operation while it runs.
    pub(crate) fn journal(&self, id: OperationId, clock: &Arc<dyn Clock>) -> Journal {
        Journal::new(self.path(id, STARTED), &self.origin, clock)
    }

    pub(crate) fn stdout(&self, id: OperationId) -> Place {
        self.place(id, STDOUT)
    }

    pub(crate) fn stderr(&self, id: OperationId) -> Place {
        self.place(id, STDERR)
    }

    /// Writes an outcome.
    pub(crate) fn store(&self, id: OperationId, outcome: &StoredOutcome) -> io::Result<()> {
        let temporary = self.path(id, "outcome-new");
        let mut file = private_file()
            .create(true)
            .truncate(true)
            .open(&temporary)?;
        file.write_all(&serde_json::to_vec(outcome)?)?;
        fs::rename(temporary, self.path(id, OUTCOME))
    }

    /// Takes over what a stored operation's output holds of the budget: it may go when room is
    /// needed.
    pub(crate) fn hand_over(&self, id: OperationId, share: u64) {
        self.budget.hand_over(id, share, self.outputs(id));
    }

    /// Reads an outcome.
    pub(crate) fn load(&self, id: OperationId) -> io::Result<StoredOutcome> {
        let text = fs::read(self.path(id, OUTCOME))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Removes an operation of which only the start is on disk.
    pub(crate) fn forget_started(&self, id: OperationId) {
        remove(&self.path(id, STARTED));
    }

    /// Removes everything of an operation.
    pub(crate) fn forget(&self, id: OperationId) {
        self.budget.release(id);
        for path in self.outputs(id) {
            remove(&path);
        }
        remove(&self.path(id, OUTCOME));
        // Last, so that a crash in between leaves an operation that counts as run.
        self.forget_started(id);
    }

    fn outputs(&self, id: OperationId) -> [PathBuf; 2] {
        [self.path(id, STDOUT), self.path(id, STDERR)]
    }

    fn place(&self, id: OperationId, suffix: &str) -> Place {
        Place {
            path: self.path(id, suffix),
            budget: Arc::clone(&self.budget),
        }
    }

    fn path(&self, id: OperationId, suffix: &str) -> PathBuf {
        self.dir.join(format!("{id}.{suffix}"))
    }
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, path = %path.display(), "cannot remove a file of the spool");
        }
        _ => {}
    }
}
