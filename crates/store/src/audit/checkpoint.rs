//! Signed heads of chains, to be kept where whoever can write the database cannot.

use reoclo_domain::{Timestamp, hex};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::Chain;
use crate::audit::head::Head;
use crate::error::StoreError;
use crate::master_key::{MasterKey, has_signed};

/// That a chain had this head at that time, signed with a key derived from the master key.
///
/// Its JSON form is `{chain, seq, hash, at, control_plane_id, public_key, signature}`, bytes in
/// hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "CheckpointJson", try_from = "CheckpointJson")]
pub struct Checkpoint {
    /// The chain.
    pub chain: Chain,
    /// The number of its last row.
    pub seq: i64,
    /// The hash of that row.
    pub hash: [u8; 32],
    /// When the checkpoint was made.
    pub at: Timestamp,
    /// The instance that made it.
    pub control_plane_id: Uuid,
    /// The ed25519 key that verifies it.
    pub public_key: [u8; 32],
    /// The ed25519 signature.
    pub signature: [u8; 64],
}

/// The checkpoints of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoints {
    /// Those that can be read.
    pub read: Vec<Checkpoint>,
    /// How many cannot.
    pub unreadable: usize,
}

impl Checkpoints {
    /// Whether there is none, not even one that was changed.
    pub const fn is_empty(&self) -> bool {
        self.read.is_empty() && self.unreadable == 0
    }
}

/// Why a log cannot be held against a checkpoint; that says nothing about the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strangeness {
    /// Another instance signed it.
    OfAnotherLog,
    /// It is not what was signed.
    Changed,
}

impl Strangeness {
    /// The stable name that answers and the audit log have.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OfAnotherLog => "of_another_log",
            Self::Changed => "changed",
        }
    }
}

impl std::fmt::Display for Strangeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OfAnotherLog => "this checkpoint is of another audit log",
            Self::Changed => "this checkpoint was changed after it was signed",
        })
    }
}

/// Only a checkpoint has both: a row of an export has neither.
fn is_meant_as_one(line: &str) -> bool {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(line) else {
        return false;
    };
    ["signature", "control_plane_id", "public_key"]
        .iter()
        .filter(|name| fields.contains_key(**name))
        .count()
        >= 2
}

/// A checkpoint's field is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint's `{0}` is malformed")]
pub struct CheckpointError(pub &'static str);

impl Checkpoint {
    /// Signs a chain's head.
    pub(crate) fn sign(
        head: &Head,
        at: Timestamp,
        control_plane_id: Uuid,
        key: &MasterKey,
    ) -> Result<Self, StoreError> {
        let unreadable = |_| StoreError::corrupt(format!("the audit chain {}", head.chain));
        let mut checkpoint = Self {
            chain: head.chain.parse().map_err(unreadable)?,
            seq: head.seq,
            hash: head.hash,
            at,
            control_plane_id,
            public_key: key.public_key(),
            signature: [0; 64],
        };
        checkpoint.signature = key.sign(&checkpoint.encoding());
        Ok(checkpoint)
    }

    /// The checkpoints among lines of JSON; other lines are rows of an export. One that is
    /// recognised as a checkpoint and cannot be read was changed, and is counted.
    pub fn among(lines: &str) -> Checkpoints {
        let mut found = Checkpoints::default();
        for line in lines.lines().map(str::trim) {
            if let Ok(checkpoint) = serde_json::from_str(line) {
                found.read.push(checkpoint);
            } else if is_meant_as_one(line) {
                found.unreadable += 1;
            }
        }
        found
    }

    /// Why the log of the instance with this key and id cannot be held against the checkpoint;
    /// none when that instance signed it.
    pub(crate) fn strangeness(
        &self,
        key: &MasterKey,
        control_plane_id: Uuid,
    ) -> Option<Strangeness> {
        if !has_signed(&self.public_key, &self.encoding(), &self.signature) {
            return Some(Strangeness::Changed);
        }
        let is_ours =
            self.control_plane_id == control_plane_id && self.public_key == key.public_key();
        (!is_ours).then_some(Strangeness::OfAnotherLog)
    }

    /// What is signed. The chain stands last, since it alone has no fixed length.
    fn encoding(&self) -> Vec<u8> {
        [
            b"reoclo checkpoint 1",
            &self.control_plane_id.as_bytes()[..],
            &self.at.as_micros().to_be_bytes(),
            &self.seq.to_be_bytes(),
            &self.hash,
            self.chain.to_string().as_bytes(),
        ]
        .concat()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointJson {
    chain: String,
    seq: i64,
    hash: String,
    at: String,
    control_plane_id: Uuid,
    public_key: String,
    signature: String,
}

impl From<Checkpoint> for CheckpointJson {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            chain: checkpoint.chain.to_string(),
            seq: checkpoint.seq,
            hash: hex::encode(&checkpoint.hash),
            at: checkpoint.at.to_string(),
            control_plane_id: checkpoint.control_plane_id,
            public_key: hex::encode(&checkpoint.public_key),
            signature: hex::encode(&checkpoint.signature),
        }
    }
}

impl TryFrom<CheckpointJson> for Checkpoint {
    type Error = CheckpointError;

    fn try_from(json: CheckpointJson) -> Result<Self, CheckpointError> {
        let at: jiff::Timestamp = json.at.parse().map_err(|_| CheckpointError("at"))?;
        Ok(Self {
            chain: json.chain.parse().map_err(|_| CheckpointError("chain"))?,
            seq: json.seq,
            hash: hex::decode(&json.hash).ok_or(CheckpointError("hash"))?,
            at: Timestamp::from_micros(at.as_microsecond()),
            control_plane_id: json.control_plane_id,
            public_key: hex::decode(&json.public_key).ok_or(CheckpointError("public_key"))?,
            signature: hex::decode(&json.signature).ok_or(CheckpointError("signature"))?,
        })
    }
}
