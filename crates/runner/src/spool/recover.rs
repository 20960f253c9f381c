use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use reoclo_domain::OperationId;

use super::{DIRECTORY, OUTCOME, STARTED, STDERR, STDOUT, Spool, Started, StoredOutcome, remove};
use crate::data_dir::DataDir;
use crate::output::{Layout, written};

/// What is said of an operation of an earlier boot.
const RESTARTED: &str = "the server was restarted while the command ran, so nothing of it runs \
                         any more and its exit code is not known: look how far it came before \
                         you run it again";

/// What a process before this one left.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// Operations that have an outcome.
    pub(crate) ended: Vec<OperationId>,
    /// The others, of this boot: what they started may go on.
    pub(crate) unended: Vec<Unended>,
}

/// An operation that had started, and whose end nobody has noted.
#[derive(Debug)]
pub(crate) struct Unended {
    pub(crate) id: OperationId,
    pub(crate) started: Started,
    /// What is on disk of its output.
    pub(crate) stdout: Layout,
    pub(crate) stderr: Layout,
}

/// What was found of one operation.
#[derive(Debug, Default)]
struct Found {
    outcome: bool,
    stdout: u64,
    stderr: u64,
    /// There is more than what a crash left of a write.
    is_whole: bool,
    unfinished: Vec<PathBuf>,
}

/// Sorts what processes before this one left, of those whose instance is `wanted`. Nothing of it
/// is ever started again. What had started before the host did is lost at once, since nothing of
/// it can run any more.
pub(super) fn recover(spool: &Spool, wanted: impl Fn(&str) -> bool) -> io::Result<Recovered> {
    let mut recovered = Recovered::default();
    for (id, found) in scan(&spool.dir)? {
        let started = read(spool, id);
        if !wanted(&started.instance_id) {
            continue;
        }
        found.unfinished.iter().for_each(|path| remove(path));
        if !found.is_whole {
            continue;
        }
        let bytes = found.stdout + found.stderr;
        if bytes > 0 {
            spool.budget.adopt(id, bytes, spool.outputs(id));
        }
        if found.outcome {
            recovered.ended.push(id);
            continue;
        }
        let (stdout, stderr) = (written(found.stdout), written(found.stderr));
        if started.boot_id == spool.origin.boot_id {
            recovered.unended.push(Unended {
                id,
                started,
                stdout,
                stderr,
            });
        } else {
            spool.store(id, &StoredOutcome::lost(RESTARTED, stdout, stderr))?;
            recovered.ended.push(id);
        }
    }
    Ok(recovered)
}

/// Whether an operation has started and has no end on disk. For a runner: nothing is changed.
pub(crate) fn has_unended(data: &DataDir) -> bool {
    let entries = fs::read_dir(data.join(DIRECTORY)).into_iter().flatten();
    let mut unended = HashSet::new();
    let mut ended = HashSet::new();
    for entry in entries.flatten() {
        match entry.file_name().to_str().and_then(parse) {
            Some((id, STARTED)) => drop(unended.insert(id)),
            Some((id, OUTCOME)) => drop(ended.insert(id)),
            _ => {}
        }
    }
    !unended.is_subset(&ended)
}

/// A file that says nothing is as good as one that names this boot alone.
fn read(spool: &Spool, id: OperationId) -> Started {
    let text = fs::read(spool.path(id, STARTED)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_else(|_| Started {
        boot_id: spool.origin.boot_id.clone(),
        ..Started::default()
    })
}

fn scan(dir: &Path) -> io::Result<BTreeMap<OperationId, Found>> {
    let mut all: BTreeMap<OperationId, Found> = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((id, suffix)) = name.to_str().and_then(parse) else {
            continue;
        };
        let found = all.entry(id).or_default();
        let length = || Ok::<_, io::Error>(entry.metadata()?.len());
        match suffix {
            STARTED => {}
            OUTCOME => found.outcome = true,
            STDOUT => found.stdout = length()?,
            STDERR => found.stderr = length()?,
            _ => {
                found.unfinished.push(entry.path());
                continue;
            }
        }
        found.is_whole = true;
    }
    Ok(all)
}

fn parse(name: &str) -> Option<(OperationId, &str)> {
    let (id, suffix) = name.split_once('.')?;
    Some((id.parse().ok()?, suffix))
}
