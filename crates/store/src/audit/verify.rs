//! Finding out whether the audit log is what was written.

mod live;
mod report;
mod walk;

use std::collections::BTreeSet;

use async_recursion::async_recursion as boxed;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::audit::{AuditReader, Chain, Checkpoint};
use crate::error::StoreError;
use crate::master_key::MasterKey;
use crate::sql::sql;
pub use live::LiveReport;
pub use report::{ChainReport, Fault, FaultKind, StrangeCheckpoint, VerifyReport};
use walk::Walk;

impl AuditReader {
    /// Reads every chain in one snapshot and reports the first thing wrong in each.
    ///
    /// Takes constant memory, whatever the number of rows. A row that does not decode is
    /// reported and never an error. A chain that a checkpoint names has to be there. The log is
    /// not held against a checkpoint that this instance did not sign, and is verified all the
    /// same.
    #[boxed]
    pub async fn verify(&mut self, checkpoints: &[Checkpoint]) -> Result<VerifyReport, StoreError> {
        let control_plane_id = self.instance.control_plane_id;
        let (own, strange) = told_apart(checkpoints, &self.master_key, control_plane_id);
        let begun = self.engine.begin_snapshot(&mut self.connection).await;
        let mut snapshot = begun.map_err(StoreError::unavailable)?;
        let walk = Walk {
            key: &self.master_key,
            checkpoints: &own,
        };
        let mut expected: BTreeSet<Chain> = own.iter().map(|made| made.chain).collect();
        let created = &mut |chain| _ = expected.insert(chain);
        let instance = walk.chain(&mut *snapshot, Chain::Instance, created).await?;
        let heads = chains_with_heads(&mut snapshot).await?;
        if instance.fault.is_some() {
            // What the instance's chain says about the others cannot be relied on.
            expected.extend(heads.iter().filter_map(|chain| chain.parse::<Chain>().ok()));
        }
        expected.remove(&Chain::Instance);
        let mut chains = vec![instance];
        for chain in &expected {
            chains.push(walk.chain(&mut *snapshot, *chain, &mut |_| ()).await?);
        }
        Ok(VerifyReport {
            unknown_rows: unknown_rows(&mut snapshot, &chains).await?,
            unknown_chains: unknown_chains(heads, &chains),
            chains,
            strange,
        })
    }
}

/// The checkpoints that the instance with this key and id signed, and the others.
fn told_apart(
    checkpoints: &[Checkpoint],
    key: &MasterKey,
    control_plane_id: Uuid,
) -> (Vec<Checkpoint>, Vec<StrangeCheckpoint>) {
    let (mut own, mut strange) = (Vec::new(), Vec::new());
    for made in checkpoints {
        match made.strangeness(key, control_plane_id) {
            None => own.push(made.clone()),
            Some(why) => strange.push(StrangeCheckpoint {
                chain: made.chain,
                seq: made.seq,
                why,
            }),
        }
    }
    (own, strange)
}

const UNREADABLE: &str = "(unreadable)";

/// The chains that have heads, by the text in the database.
async fn chains_with_heads(connection: &mut AnyConnection) -> Result<Vec<String>, StoreError> {
    let heads = sql("SELECT chain FROM audit_heads ORDER BY chain")
        .all(connection, |row| row.get("chain"))
        .await;
    match heads {
        Err(StoreError::Corrupt(_)) => Ok(vec![UNREADABLE.to_owned()]),
        heads => heads,
    }
}

fn unknown_chains(heads: Vec<String>, chains: &[ChainReport]) -> Vec<String> {
    let known: BTreeSet<String> = chains.iter().map(|known| known.chain.to_string()).collect();
    let unknown = heads.into_iter().filter(|chain| !known.contains(chain));
    unknown.take(100).collect()
}

/// Rows beyond those of the known chains, counted without reading any of them.
async fn unknown_rows(
    connection: &mut AnyConnection,
    chains: &[ChainReport],
) -> Result<i64, StoreError> {
    let total = sql("SELECT COUNT(*) AS number FROM audit_events");
    let mut unknown = total.one(connection).await?.get::<i64>("number")?;
    for known in chains {
        if known.fault.is_none() {
            unknown -= known.rows;
            continue;
        }
        let rows = sql("SELECT COUNT(*) AS number FROM audit_events WHERE chain = $1");
        let rows = rows.bind(known.chain.to_string()).one(connection).await?;
        unknown -= rows.get::<i64>("number")?;
    }
    Ok(unknown)
}
