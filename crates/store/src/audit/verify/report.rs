//! What a verification found.

use std::fmt;

use reoclo_domain::hex;

use crate::audit::{Chain, Strangeness};

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
