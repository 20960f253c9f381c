//! Somebody wants an operation to end.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, OrganizationId, Timestamp};

use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct RequestCancel {
    organization: OrganizationId,
    id: OperationId,
    at: Timestamp,
    events: Vec<NewAuditEvent>,
}

impl Write for RequestCancel {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let changed = sql(
            "UPDATE operations SET cancel_requested_at = COALESCE(cancel_requested_at, $3)
             WHERE id = $1 AND organization_id = $2 AND state = 'running'",
        )
        .bind(self.id)
        .bind(self.organization)
        .bind(self.at)
        .execute(work.connection().await?)
        .await?;
        if changed > 0 {
            work.audit(&self.events);
        }
        Ok(changed > 0)
    }
}

impl Store {
    /// Records that an operation is to end. `false` when it has ended already or is unknown:
    /// then nothing is written.
    #[boxed]
    pub async fn request_cancel(
        &self,
        organization: OrganizationId,
        id: OperationId,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let at = self.clock().now();
        let write = RequestCancel {
            organization,
            id,
            at,
            events,
        };
        self.write(write).await
    }
}
