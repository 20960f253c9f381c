//! Finding out whether the audit log is what was written.

mod live;
mod walk;

use std::collections::BTreeSet;
use std::fmt;

use reoclo_domain::hex;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::audit::{AuditReader, Chain, Checkpoint, Strangeness};
use crate::error::StoreError;
use crate::master_key::MasterKey;
use crate::sql::sql;
pub use live::LiveReport;
use walk::Walk;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Every chain that there should be, the instance's first.
    pub chains: Vec<ChainReport>,
    /// Chains that there should not be, by the text in the database, at most 100 of them.
    pub unknown_chains: Vec<String>,
    /// Rows that belong to no chain that there should be.
    pub unknown_rows: i64,
    /// The checkpoints that nothing could be held against; they say nothing about the log.
    pub strange: Vec<StrangeCheckpoint>,
}

/// A checkpoint that a log cannot be held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrangeCheckpoint {
    /// The chain that it names.
    pub chain: Chain,
    /// The row that it names.
    pub seq: i64,
    /// What is wrong with it.
    pub why: Strangeness,
}

/// What a verification found in one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// The chain.
    pub chain: Chain,
    /// How many rows were read and found good.
    pub rows: i64,
    /// The hash of the last good row.
    pub head: [u8; 32],
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

/// The first thing that is wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The row that is wrong or missing.
    pub seq: i64,
    /// The id of that row, when it can be read.
    pub id: Option<String>,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// What can be wrong with a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The row is not there, and a later one or the stored head is.
    Missing,
    /// The row is not what was written.
    Changed,
    /// The row's bytes are not even of the right type.
    Unreadable,
    /// The row stands behind the stored head.
    BehindHead,
    /// The stored head is missing.
    HeadMissing,
    /// The stored head is not what was written.
    HeadChanged,
    /// A checkpoint names this row with another hash, or no such row is left.
    Checkpoint,
    /// The row has a number that no row ever had.
    Extra,
}

impl ChainReport {
    /// The hash of the last good row, in hexadecimal.
    pub fn head_hex(&self) -> String {
        hex::encode(&self.head)
    }
}

impl VerifyReport {
    /// Whether nothing at all is wrong with the log.
    pub fn is_intact(&self) -> bool {
        let sound = |chain: &ChainReport| chain.fault.is_none();
        self.chains.iter().all(sound) && self.unknown_chains.is_empty() && self.unknown_rows == 0
    }
}

impl FaultKind {
    /// The stable name that answers and the audit log have.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Unreadable => "unreadable",
            Self::BehindHead => "behind_head",
            Self::HeadMissing => "head_missing",
            Self::HeadChanged => "head_changed",
            Self::Checkpoint => "checkpoint",
            Self::Extra => "extra",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "the row is missing",
            Self::Changed => "the row was changed",
            Self::Unreadable => "the row is unreadable",
            Self::BehindHead => "the row stands behind the stored head",
            Self::HeadMissing => "the stored head is missing",
            Self::HeadChanged => "the stored head was changed",
            Self::Checkpoint => "the row is not the one that the checkpoint names",
            Self::Extra => "the row has a number that no row ever had",
        })
    }
}

impl AuditReader {
    /// Reads every chain in one snapshot and reports the first thing wrong in each.
    ///
    /// Takes constant memory, whatever the number of rows. A row that does not decode is
    /// reported and never an error. A chain that a checkpoint names has to be there. The log is
    /// not held against a checkpoint that this instance did not sign, and is verified all the
    /// same.
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
