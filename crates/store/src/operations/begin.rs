//! Beginning an operation: the intent is on disk before anything is sent.

use async_recursion::async_recursion as boxed;
use reoclo_domain::Secret;
use reoclo_domain::masking::masked_shapes;

use super::{NewOperation, PAYLOAD};
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sealing::Sealed;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct BeginOperation {
    new: NewOperation,
    sealed_payload: Sealed,
    events: Vec<NewAuditEvent>,
}

impl Write for BeginOperation {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let new = &self.new;
        let insert = sql(
            "INSERT INTO operations (id, organization_id, server_id, kind, starter_kind,
                 starter_id, starter_label, command, timeout_seconds, run_id, run_context,
                 boot_id, instance_id, created_at, sealed_payload, queued_at, source, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                     'running')",
        )
        .bind(new.id)
        .bind(new.organization)
        .bind(new.server)
        .bind(new.kind.as_str())
        .bind(new.starter.kind.as_str())
        .bind(new.starter.id)
        .bind(new.starter.label.as_str())
        .bind(new.command.as_deref())
        .bind(new.timeout_seconds)
        .bind(new.run_id.as_deref())
        .bind(new.run_context.as_deref())
        .bind(new.boot_id.as_str())
        .bind(new.instance_id.as_str())
        .bind(new.created_at)
        .bind(&self.sealed_payload)
        .bind(new.queued_at)
        .bind(new.via.as_ref().map(ToString::to_string));
        work.defer(insert);
        work.audit(&self.events);
        Ok(())
    }
}

impl Store {
    /// Records an operation before anything is sent to the runner, with the payload sealed, and
    /// without what is a secret by its shape in what people see of it.
    ///
    /// # Errors
    /// [`Conflict::Exists`](crate::Conflict::Exists) for an id that was begun before,
    /// [`Conflict::Missing`](crate::Conflict::Missing) for a server that the organization does not
    /// have; after [`StoreError::Uncertain`] the operation may be there, running and without
    /// having been sent.
    #[boxed]
    pub async fn begin_operation(
        &self,
        mut new: NewOperation,
        payload: &Secret,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        for text in [&mut new.command, &mut new.run_id, &mut new.run_context] {
            *text = text.as_deref().map(masked_shapes);
        }
        let write = BeginOperation {
            sealed_payload: self.sealed(PAYLOAD, new.id, payload)?,
            new,
            events,
        };
        self.write(write).await
    }
}
