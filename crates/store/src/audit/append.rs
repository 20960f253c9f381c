//! Appending rows to their chains, at the end of a transaction.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sqlx::AnyConnection;

use crate::audit::entry::{COLUMNS, Entry, LinkedEntry};
use crate::audit::head::{self, Head};
use crate::audit::heads::Heads;
use crate::audit::{Chain, NewAuditEvent};
use crate::error::{Conflict, StoreError};
use crate::master_key::MasterKey;
use crate::sql::sql;
use crate::writer::Work;

/// What a transaction appended.
pub(crate) struct Appended {
    pub(crate) rows: usize,
    /// The head of one of the chains after it; by it one sees whether the transaction was made.
    pub(crate) last: Option<Head>,
}

/// Appends the events, each to its chain, in their order. The chains are locked in sorted order,
/// so that two nodes cannot wait for each other.
pub(crate) async fn append(
    work: &mut Work<'_>,
    events: &[NewAuditEvent],
    key: &MasterKey,
    heads: &mut Heads,
) -> Result<Appended, StoreError> {
    let mut chains: BTreeMap<Chain, Vec<&NewAuditEvent>> = BTreeMap::new();
    for event in events {
        let chain = Chain::of(event.organization);
        chains.entry(chain).or_default().push(event);
    }
    let mut last = None;
    for (chain, events) in chains {
        let mut locked = heads.lock(work, chain, key).await?;
        let rows = link(&mut locked.head, &events);
        // First the head: when it is not where it was left, that is the error.
        last = Some(heads.advance(work, chain, locked, key));
        insert(work, rows);
    }
    let rows = events.len();
    Ok(Appended { rows, last })
}

/// Makes rows of the events and moves the head behind them.
fn link(head: &mut Head, events: &[&NewAuditEvent]) -> Vec<LinkedEntry> {
    let linked = events.iter().map(|event| {
        let entry = Entry::new(event, head.seq + 1);
        let prev_hash = head.hash;
        let hash = entry.hash(&prev_hash);
        (head.seq, head.hash) = (entry.seq, hash);
        LinkedEntry {
            entry,
            prev_hash,
            hash,
        }
    });
    linked.collect()
}

/// Statements for so many rows at once: a few sizes, so that each is prepared once.
static INSERTS: LazyLock<[(usize, String); 3]> =
    LazyLock::new(|| [32, 8, 1].map(|rows| (rows, insert_text(rows))));

fn insert_text(rows: usize) -> String {
    let values = (0..rows).map(|row| {
        let first = row * COLUMNS.len() + 1;
        let places = (first..first + COLUMNS.len()).map(|place| format!("${place}"));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let columns = COLUMNS.join(", ");
    format!("INSERT INTO audit_events ({columns}) VALUES {values}")
}

fn insert(work: &mut Work<'_>, rows: Vec<LinkedEntry>) {
    let mut rows = rows.into_iter();
    for (size, text) in &*INSERTS {
        while rows.len() >= *size {
            let batch = rows.by_ref().take(*size);
            work.defer(batch.fold(sql(text), |statement, row| row.bind(statement)));
        }
    }
}

/// Whether the transaction that moved a chain's head there was made. Waits for one that is still
/// under way, by taking the chain's lock.
pub(crate) async fn is_there(
    connection: &mut AnyConnection,
    head: &Head,
    key: &MasterKey,
) -> Result<bool, StoreError> {
    match head::lock(connection, &head.chain, key).await {
        Ok(_) => {}
        Err(StoreError::Conflict(Conflict::Missing)) => return Ok(false),
        Err(error) => return Err(error),
    }
    let row = sql("SELECT hash FROM audit_events WHERE chain = $1 AND seq = $2")
        .bind(head.chain.as_str())
        .bind(head.seq)
        .optional(connection)
        .await?;
    Ok(row.is_some_and(|row| {
        row.get::<[u8; 32]>("hash")
            .is_ok_and(|hash| hash == head.hash)
    }))
}
