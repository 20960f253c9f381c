//! There is room for an operation that waited.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, Timestamp};

use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct Dequeue {
    id: OperationId,
    at: Timestamp,
    boot_id: String,
    instance_id: String,
}

impl Write for Dequeue {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let changed = sql(
            "UPDATE operations SET dequeued_at = $2, boot_id = $3, instance_id = $4
             WHERE id = $1 AND state = 'running'",
        )
        .bind(self.id)
        .bind(self.at)
        .bind(self.boot_id.as_str())
        .bind(self.instance_id.as_str())
        .execute(work.connection().await?)
        .await?;
        Ok(changed > 0)
    }
}

impl Store {
    /// Records that an operation leaves the queue of its server at `at`, before anything is sent
    /// to the runner that is connected now. `false` when it has ended.
    #[boxed]
    pub async fn operation_dequeued(
        &self,
        id: OperationId,
        at: Timestamp,
        boot_id: String,
        instance_id: String,
    ) -> Result<bool, StoreError> {
        let write = Dequeue {
            id,
            at,
            boot_id,
            instance_id,
        };
        self.write(write).await
    }
}
