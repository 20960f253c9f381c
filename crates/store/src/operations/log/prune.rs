//! Letting old logs go (rule 19).

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, Timestamp};

use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct Remove(OperationId);

impl Write for Remove {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        sql("DELETE FROM operation_logs WHERE operation_id = $1")
            .bind(self.0)
            .execute(work.connection().await?)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Removes the full log of the operation with the oldest one, if it is from before `oldest`
    /// or if all logs together have more than `most_bytes`; says whether it did. What the
    /// operation's own row holds stays.
    #[boxed]
    pub async fn prune_operation_logs(
        &self,
        oldest: Timestamp,
        most_bytes: i64,
    ) -> Result<bool, StoreError> {
        let mut reader = self.reader().await?;
        let found = sql("SELECT operation_id, created_at FROM operation_logs
             ORDER BY created_at, operation_id LIMIT 1")
        .optional(&mut reader)
        .await?;
        let Some(row) = found else { return Ok(false) };
        if row.get::<Timestamp>("created_at")? >= oldest {
            let total = sql("SELECT CAST(SUM(length) AS BIGINT) AS total FROM operation_logs")
                .one(&mut reader)
                .await?;
            if total.get::<i64>("total")? <= most_bytes {
                return Ok(false);
            }
        }
        drop(reader);
        self.write(Remove(row.get("operation_id")?)).await?;
        Ok(true)
    }
}
