//! Letting old operations go (rule 19).

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Timestamp};

use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// The most operations that go in one write, so that others do not wait long.
const MOST: i64 = 200;

struct Prune {
    organization: OrganizationId,
    before: Timestamp,
}

impl Write for Prune {
    type Output = u64;

    async fn apply(&self, work: &mut Work<'_>) -> Result<u64, StoreError> {
        sql("DELETE FROM operations WHERE id IN (
                 SELECT id FROM operations
                 WHERE organization_id = $1 AND created_at < $2 AND state <> 'running'
                 ORDER BY created_at, id LIMIT $3)")
        .bind(self.organization)
        .bind(self.before)
        .bind(MOST)
        .execute(work.connection().await?)
        .await
    }
}

impl Store {
    /// Removes some of an organization's oldest ended operations that were begun before `before`,
    /// with their logs; says how many, and 0 once none is left. The audit log keeps its rows.
    #[boxed]
    pub async fn prune_operations(
        &self,
        organization: OrganizationId,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let prune = Prune {
            organization,
            before,
        };
        self.write(prune).await
    }
}
