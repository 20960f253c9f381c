//! Removing measurements whose time is over.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Resolution, Timestamp};

use super::span;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct PruneMetrics {
    resolution: Resolution,
    before: Timestamp,
}

impl Write for PruneMetrics {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        sql("DELETE FROM server_metrics WHERE resolution = $1 AND at < $2")
            .bind(self.resolution.seconds())
            .bind(self.before)
            .execute(work.connection().await?)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Removes the rows that begin before `before`: one span of all servers in each transaction,
    /// so that after a long rest other writes still come between.
    #[boxed]
    pub async fn prune_metrics(
        &self,
        resolution: Resolution,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        while let Some(oldest) = self.oldest_metrics(resolution).await? {
            if oldest >= before {
                break;
            }
            let step = oldest.plus(span(resolution)).min(before);
            self.write(PruneMetrics {
                resolution,
                before: step,
            })
            .await?;
        }
        Ok(())
    }

    async fn oldest_metrics(
        &self,
        resolution: Resolution,
    ) -> Result<Option<Timestamp>, StoreError> {
        sql("SELECT MIN(at) AS at FROM server_metrics WHERE resolution = $1")
            .bind(resolution.seconds())
            .one(&mut self.reader().await?)
            .await?
            .get::<Option<Timestamp>>("at")
    }
}
