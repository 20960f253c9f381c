//! Decommissioning servers.

use reoclo_domain::{OrganizationId, ServerId, ServerStatus, Timestamp};

use super::{ServerRecord, change, machines};
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// What the audit log is told of the server as it was.
type Told = Box<dyn Fn(&ServerRecord) -> Vec<NewAuditEvent> + Send + Sync>;

struct RemoveServer {
    organization: OrganizationId,
    server: ServerId,
    at: Timestamp,
    told: Told,
}

impl Write for RemoveServer {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let Some(before) = change::lock(work, self.organization, self.server).await? else {
            return Ok(false);
        };
        let is_seen = before.status == ServerStatus::Active;
        let last_seen_at = if is_seen {
            Some(self.at)
        } else {
            before.last_seen_at
        };
        sql("UPDATE servers SET status = 'decommissioned', last_seen_at = $2 WHERE id = $1")
            .bind(self.server)
            .bind(last_seen_at)
            .execute(work.connection().await?)
            .await?;
        end_runner(work, self.server).await?;
        work.audit(&(self.told)(&before));
        Ok(true)
    }
}

/// Ends the runner's key, its enrolment, and what is known of machines that claim to be it.
pub(super) async fn end_runner(work: &mut Work<'_>, server: ServerId) -> Result<(), StoreError> {
    let connection = work.connection().await?;
    sql("UPDATE servers SET public_key = NULL WHERE id = $1")
        .bind(server)
        .execute(&mut *connection)
        .await?;
    sql("DELETE FROM enrolments WHERE server_id = $1")
        .bind(server)
        .execute(&mut *connection)
        .await?;
    machines::forget(connection, server).await?;
    work.effect(Effect::ServerRemoved(server));
    Ok(())
}

impl Store {
    /// Takes a server out of use for good, with its runner's key and enrolment; `told` says what
    /// the audit log is told of it. `false` when the organization has no such server in use; then
    /// nothing is written.
    pub async fn remove_server(
        &self,
        organization: OrganizationId,
        server: ServerId,
        at: Timestamp,
        told: impl Fn(&ServerRecord) -> Vec<NewAuditEvent> + Send + Sync + 'static,
    ) -> Result<bool, StoreError> {
        let write = RemoveServer {
            organization,
            server,
            at,
            told: Box::new(told),
        };
        self.write(write).await
    }
}
