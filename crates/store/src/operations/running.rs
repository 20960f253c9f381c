//! What a restarted control plane has to take up again.

use reoclo_domain::{OrganizationId, Secret, ServerId};

use super::{NewOperation, RunningOperation, payload_of};
use crate::error::StoreError;
use crate::sealing::Sealer;
use crate::sql::{Record, sql, unreadable};
use crate::store::Store;

impl RunningOperation {
    fn read(row: &Record, sealer: &Sealer) -> Result<Self, StoreError> {
        let sealed: Option<Vec<u8>> = row.get("sealed_payload")?;
        let id: String = row.get("id")?;
        let payload = sealed.map(|sealed| open(sealer, &id, &sealed));
        Ok(Self {
            operation: NewOperation::read(row)?,
            payload: payload.transpose()?,
            acknowledged: row.get::<Option<reoclo_domain::Timestamp>>("acknowledged_at")?.is_some(),
            dequeued_at: row.get("dequeued_at")?,
            is_cancelled: row.get::<Option<reoclo_domain::Timestamp>>("cancel_requested_at")?.is_some(),
        })
    }
}

fn open(sealer: &Sealer, id: &str, sealed: &[u8]) -> Result<Secret, StoreError> {
    let payload = sealer.open(payload_of(id), sealed)?;
    let text = std::str::from_utf8(&payload).map_err(|_| unreadable("sealed_payload"))?;
    Ok(Secret::new(text))
}

impl Store {
    /// Those of one server of the organization.
    pub async fn running_operations_on(
        &self,
        organization: OrganizationId,
        server: ServerId,
    ) -> Result<Vec<RunningOperation>, StoreError> {
        let sealer = self.master_key().sealer();
        sql("SELECT operations.*, servers.name AS server_name
             FROM operations JOIN servers ON servers.id = operations.server_id
             WHERE state = 'running' AND operations.organization_id = $1 AND server_id = $2
             ORDER BY operations.created_at, operations.id")
        .bind(organization)
        .bind(server)
        .all(&mut self.reader().await?, |row| {
            RunningOperation::read(row, sealer)
        })
        .await
    }

    /// The operations of all organizations that have not ended, oldest first.
    pub async fn running_operations(&self) -> Result<Vec<RunningOperation>, StoreError> {
        let sealer = self.master_key().sealer();
        sql("SELECT operations.*, servers.name AS server_name
             FROM operations JOIN servers ON servers.id = operations.server_id
             WHERE state = 'running' ORDER BY operations.created_at, operations.id")
        .all(&mut self.reader().await?, |row| {
            RunningOperation::read(row, sealer)
        })
        .await
    }
}
