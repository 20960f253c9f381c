//! What a restarted control plane has to take up again.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, ServerId};

use super::{NewOperation, PAYLOAD, RunningOperation};
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;

impl RunningOperation {
    fn read(row: &Record, store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            operation: NewOperation::read(row)?,
            payload: store.opened_if_there(PAYLOAD, row)?,
            acknowledged: row
                .get::<Option<reoclo_domain::Timestamp>>("acknowledged_at")?
                .is_some(),
            dequeued_at: row.get("dequeued_at")?,
            is_cancelled: row
                .get::<Option<reoclo_domain::Timestamp>>("cancel_requested_at")?
                .is_some(),
        })
    }
}

impl Store {
    /// Those of one server of the organization.
    #[boxed]
    pub async fn running_operations_on(
        &self,
        organization: OrganizationId,
        server: ServerId,
    ) -> Result<Vec<RunningOperation>, StoreError> {
        sql("SELECT operations.*, servers.name AS server_name
             FROM operations JOIN servers ON servers.id = operations.server_id
             WHERE state = 'running' AND operations.organization_id = $1 AND server_id = $2
             ORDER BY operations.created_at, operations.id")
        .bind(organization)
        .bind(server)
        .all(&mut self.reader().await?, |row| {
            RunningOperation::read(row, self)
        })
        .await
    }

    /// The operations of all organizations that have not ended, oldest first.
    #[boxed]
    pub async fn running_operations(&self) -> Result<Vec<RunningOperation>, StoreError> {
        sql("SELECT operations.*, servers.name AS server_name
             FROM operations JOIN servers ON servers.id = operations.server_id
             WHERE state = 'running' ORDER BY operations.created_at, operations.id")
        .all(&mut self.reader().await?, |row| {
            RunningOperation::read(row, self)
        })
        .await
    }
}
