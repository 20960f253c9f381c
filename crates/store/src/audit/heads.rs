//! The heads that the writer has moved itself.

use std::collections::HashMap;

use crate::audit::Chain;
use crate::audit::head::{self, Head, StoredHead};
use crate::error::StoreError;
use crate::master_key::MasterKey;
use crate::writer::Work;

/// Where chains end, for as long as nobody else may move them: one process has locked SQLite's data
/// directory, or has the place on a PostgreSQL. It spares the question, not the check: a head that is not as it was left
/// fails the transaction, and then it is read anew.
#[derive(Debug, Default)]
pub(crate) struct Heads(HashMap<Chain, StoredHead>);

/// A chain's head, whose lock the transaction has.
pub(super) struct LockedHead {
    pub(super) head: Head,
    remembered: Option<StoredHead>,
}

impl Heads {
    /// Where a chain ends.
    pub(super) async fn lock(
        &self,
        work: &mut Work<'_>,
        chain: Chain,
        key: &MasterKey,
    ) -> Result<LockedHead, StoreError> {
        if let Some(remembered) = self.0.get(&chain) {
            return Ok(LockedHead {
                head: remembered.head.clone(),
                remembered: Some(remembered.clone()),
            });
        }
        let connection = work.connection().await?;
        let head = head::lock(connection, &chain.to_string(), key).await?;
        Ok(LockedHead {
            head,
            remembered: None,
        })
    }

    /// Moves a head to where it stands now.
    pub(super) fn advance(
        &mut self,
        work: &mut Work<'_>,
        chain: Chain,
        locked: LockedHead,
        key: &MasterKey,
    ) -> Head {
        let moved = StoredHead::new(locked.head, key);
        match &locked.remembered {
            None => drop(work.defer_required(head::advance(&moved))),
            Some(before) => {
                work.defer_required(head::advance_from(before, &moved));
            }
        }
        let head = moved.head.clone();
        if work.is_alone() {
            self.0.insert(chain, moved);
        }
        head
    }

    /// Whether there is none to go by.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The transaction was not made.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}
