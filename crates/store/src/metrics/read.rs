//! Reading measurements.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Resolution, ServerId, Timestamp};

use super::{MetricsRow, packed};
use crate::error::StoreError;
use crate::sql::{Record, sql, unreadable};
use crate::store::Store;

impl MetricsRow {
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        let at = row.get("at")?;
        let seconds: i64 = row.get("resolution")?;
        let resolution = Resolution::ALL
            .into_iter()
            .find(|resolution| i64::from(resolution.seconds()) == seconds);
        Ok(Self {
            server: row.get("server_id")?,
            resolution: resolution.ok_or_else(|| unreadable("resolution"))?,
            at,
            points: packed::unpack(at, &row.get::<Vec<u8>>("points")?)?,
        })
    }
}

impl Store {
    /// The rows of a server of the organization that begin in `from..to`, the oldest first.
    #[boxed]
    pub async fn metrics(
        &self,
        organization: OrganizationId,
        server: ServerId,
        resolution: Resolution,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<MetricsRow>, StoreError> {
        sql("SELECT server_metrics.* FROM server_metrics
             JOIN servers ON servers.id = server_metrics.server_id
             WHERE servers.organization_id = $1 AND server_id = $2 AND resolution = $3
                 AND at >= $4 AND at < $5
             ORDER BY at")
        .bind(organization)
        .bind(server)
        .bind(resolution.seconds())
        .bind(from)
        .bind(to)
        .all(&mut self.reader().await?, MetricsRow::read)
        .await
    }

    /// Every server that a runner has ever spoken for and that is in use, of all organizations and
    /// in the order of ids: those that are asked how they are.
    #[boxed]
    pub async fn monitored_servers(&self) -> Result<Vec<ServerId>, StoreError> {
        let mut servers = sql("SELECT id FROM servers WHERE status IN ('active', 'unreachable')")
            .all(&mut self.reader().await?, |row| row.get("id"))
            .await?;
        // By the order of ids here, whatever the database's order of texts is.
        servers.sort_unstable();
        Ok(servers)
    }
}
