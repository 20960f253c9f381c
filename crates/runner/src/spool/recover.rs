use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use reoclo_domain::OperationId;

use super::{OUTCOME, Origin, STARTED, STDERR, STDOUT, Spool, StoredOutcome, remove};

/// What was found of one operation.
#[derive(Debug, Default)]
struct Found {
    outcome: bool,
    output_bytes: u64,
}

/// Settles what a process before this one left. What had started and not ended is lost: its
/// process cannot be watched any more, and starting it again is what must never happen.
pub(super) fn recover(spool: &Spool) -> io::Result<Vec<OperationId>> {
    let found = scan(&spool.dir)?;
    for (id, found) in &found {
        if !found.outcome {
            settle_lost(spool, *id)?;
        } else if found.output_bytes > 0 {
            spool
                .budget
                .adopt(*id, found.output_bytes, spool.outputs(*id));
        }
    }
    Ok(found.into_keys().collect())
}

fn scan(dir: &Path) -> io::Result<BTreeMap<OperationId, Found>> {
    let mut all: BTreeMap<OperationId, Found> = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((id, suffix)) = name.to_str().and_then(parse) else {
            continue;
        };
        match suffix {
            STARTED => drop(all.entry(id).or_default()),
            OUTCOME => all.entry(id).or_default().outcome = true,
            STDOUT | STDERR => {
                all.entry(id).or_default().output_bytes += entry.metadata()?.len();
            }
            _ => remove(&entry.path()),
        }
    }
    Ok(all)
}

fn parse(name: &str) -> Option<(OperationId, &str)> {
    let (id, suffix) = name.split_once('.')?;
    Some((id.parse().ok()?, suffix))
}

fn settle_lost(spool: &Spool, id: OperationId) -> io::Result<()> {
    for path in spool.outputs(id) {
        remove(&path);
    }
    let started = fs::read(spool.path(id, STARTED)).unwrap_or_default();
    let message = match serde_json::from_slice::<Origin>(&started) {
        Ok(origin) if origin.boot_id != spool.origin.boot_id => {
            "the server was restarted while the command ran"
        }
        _ => "the process that ran the command ended before it",
    };
    spool.store(id, &StoredOutcome::lost(message))
}
