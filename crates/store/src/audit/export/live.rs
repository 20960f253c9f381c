//! One chain, written out beside a server that goes on writing it.

use async_recursion::async_recursion as boxed;
use reoclo_domain::OrganizationId;
use serde_json::json;

use super::{PAGE, line};
use crate::audit::entry::{self, LinkedEntry};
use crate::audit::{Chain, Checkpoint, head};
use crate::error::{Conflict, StoreError};
use crate::store::Store;

/// An organization's chain as JSON lines: every row up to where the chain ended when the export
/// began, then that end as a signed checkpoint. Read a page at a time, with no connection held
/// between two of them.
pub struct AuditExport {
    store: Store,
    checkpoint: Checkpoint,
    /// The last row that was written.
    seq: i64,
    is_over: bool,
}

impl Store {
    /// Begins an export of an organization's chain.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the stored head is not what was written: nothing is signed
    /// then. [`Conflict::Missing`] when there is no such chain.
    #[boxed]
    pub async fn export_audit(
        &self,
        organization: OrganizationId,
    ) -> Result<AuditExport, StoreError> {
        let chain = Chain::Organization(organization).to_string();
        let found = head::find(&mut self.reader().await?, &chain).await?;
        let key = self.master_key();
        let head = found.ok_or(Conflict::Missing)?.authentic(key)?;
        let id = self.instance().control_plane_id;
        Ok(AuditExport {
            checkpoint: Checkpoint::sign(&head, self.clock().now(), id, key)?,
            store: self.clone(),
            seq: 0,
            is_over: false,
        })
    }
}

impl AuditExport {
    /// What the export ends with.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The next lines, at most 200; none at the end.
    #[boxed]
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        let rows = entry::after(&self.checkpoint.chain.to_string(), self.seq, PAGE)
            .all(&mut self.store.reader().await?, LinkedEntry::read)
            .await?;
        let mut lines = String::new();
        for row in rows {
            if row.entry.seq > self.checkpoint.seq {
                break;
            }
            self.seq = row.entry.seq;
            lines += &format!("{}\n", line(row));
        }
        if lines.is_empty() {
            self.is_over = true;
            lines = format!("{}\n", json!(self.checkpoint));
        }
        Ok(Some(lines.into_bytes()))
    }
}
