//! Removing servers: they are decommissioned, and their operations stay.

use reoclo_domain::{OrganizationId, ServerId, ServerStatus, Timestamp};
use serde_json::Value as Json;

use super::{ServerRecord, machines};
use crate::audit::{Audit, NewAuditEvent};
use crate::cache::Effect;
use crate::edit::{Edit, Edited};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::table::named;
use crate::writer::Work;

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
    /// Removes a server for good: its runner's key and enrolment end. The audit log is told what
    /// `told` says of it.
    pub async fn remove_server<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        server: ServerId,
        at: Timestamp,
        audit: Audit,
        told: impl Fn(&ServerRecord) -> Json + Send + Sync + 'static,
    ) -> Result<Edited<ServerRecord, E>, StoreError> {
        let rule = move |before: &ServerRecord| {
            let (event, detail) = (audit.of(named(before)), told(before));
            Ok(Edit {
                record: Some(removed(before, at)),
                events: vec![NewAuditEvent { detail, ..event }],
            })
        };
        self.change((organization, server), None, rule).await
    }
}

/// An active server's runner was there until now.
fn removed(server: &ServerRecord, at: Timestamp) -> ServerRecord {
    let seen = (server.status == ServerStatus::Active).then_some(at);
    ServerRecord {
        status: ServerStatus::Decommissioned,
        last_seen_at: seen.or(server.last_seen_at),
        ..server.clone()
    }
}
