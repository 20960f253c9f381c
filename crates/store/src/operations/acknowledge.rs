//! The runner has it: what was to be sent is no longer needed.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, Timestamp};

use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct Acknowledge {
    ids: Vec<OperationId>,
    at: Timestamp,
}

impl Write for Acknowledge {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        for id in &self.ids {
            work.defer(
                sql("UPDATE operations SET sealed_payload = NULL,
                         acknowledged_at = COALESCE(acknowledged_at, $2)
                     WHERE id = $1")
                .bind(*id)
                .bind(self.at),
            );
        }
        Ok(())
    }
}

impl Store {
    /// Records that the runner has these operations, and erases their payloads. Not audited.
    #[boxed]
    pub async fn operation_acknowledged(&self, ids: Vec<OperationId>) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let at = self.clock().now();
        self.write(Acknowledge { ids, at }).await
    }
}
