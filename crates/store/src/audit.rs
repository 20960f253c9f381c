//! The audit log: append-only, hash-chained per organization (rule 17).

pub(crate) mod append;
mod chain;
mod checkpoint;
mod draft;
mod entry;
mod event;
mod export;
pub(crate) mod head;
pub(crate) mod heads;
mod names;
mod page;
mod reader;
mod unmasked;
mod verify;

pub use chain::Chain;
pub use checkpoint::{Checkpoint, CheckpointError, Checkpoints, Strangeness};
pub use draft::Audit;
pub(crate) use event::stored_source;
pub use event::{Actor, AuditRow, NewAuditEvent, RequestSource, Resource};
pub use export::{AuditExport, ExportError, ExportReport};
pub use names::{ActorKind, AuditOutcome};
pub use page::{AuditActor, AuditFilter, AuditItem, AuditPage, AuditQuery, AuditServer};
pub use reader::AuditReader;
pub use unmasked::{AuditPlace, UnmaskedRows};
pub use verify::{ChainReport, Fault, FaultKind, LiveReport, StrangeCheckpoint, VerifyReport};

use async_recursion::async_recursion as boxed;
use reoclo_domain::OrganizationId;

use crate::error::StoreError;
use crate::store::Store;
use crate::writer::{Work, Write};

struct Append(Vec<NewAuditEvent>);

impl Write for Append {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        work.audit(&self.0);
        Ok(())
    }
}

impl Store {
    /// Appends events that belong to no other write, in order.
    ///
    /// # Errors
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an organization that does not exist.
    #[boxed]
    pub async fn append_audit(&self, events: Vec<NewAuditEvent>) -> Result<(), StoreError> {
        self.write(Append(events)).await
    }

    /// At most `limit` events behind `after_seq` of an organization's chain, or with `None` of
    /// the instance's, oldest first.
    #[boxed]
    pub async fn audit_events(
        &self,
        organization: Option<OrganizationId>,
        after_seq: i64,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let chain = Chain::of(organization);
        entry::after(&chain.to_string(), after_seq, limit)
            .all(&mut self.reader().await?, |row| {
                AuditRow::read(row, organization)
            })
            .await
    }

    /// The heads of all chains, signed.
    #[boxed]
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let heads = head::all(&mut self.reader().await?).await?;
        let (key, now) = (self.master_key(), self.clock().now());
        let signed = heads.into_iter().map(|head| {
            let head = head.authentic(key)?;
            Checkpoint::sign(&head, now, self.instance().control_plane_id, key)
        });
        signed.collect()
    }
}
