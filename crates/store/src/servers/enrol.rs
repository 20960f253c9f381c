//! Enrolment: a one-time token binds a runner's public key to a server.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AuditEventId, OrganizationId, ServerId, Timestamp, TokenHash};
use serde_json::json;
use sqlx::AnyConnection;

use super::{NewEnrolment, machines};
use crate::audit::{Actor, ActorKind, AuditOutcome, NewAuditEvent, RequestSource, Resource};
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

/// How an attempt to enrol ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnrolOutcome {
    /// The runner is enrolled, now or before with the same public key.
    Enrolled {
        /// The server it speaks for.
        server: ServerId,
        /// The server's organization.
        organization: OrganizationId,
    },
    /// There is no such token.
    Unknown,
    /// The token is too old.
    Expired,
    /// The token was used with another public key.
    Used,
}

struct Enrol {
    token: TokenHash,
    public_key: Vec<u8>,
    now: Timestamp,
    source: RequestSource,
    event_id: AuditEventId,
}

impl Write for Enrol {
    type Output = EnrolOutcome;

    async fn apply(&self, work: &mut Work<'_>) -> Result<EnrolOutcome, StoreError> {
        let Some(enrolment) = self.lock(work.connection().await?).await? else {
            return Ok(EnrolOutcome::Unknown);
        };
        let used_by: Option<Vec<u8>> = enrolment.get("used_by")?;
        if used_by
            .as_ref()
            .is_some_and(|used_by| *used_by != self.public_key)
        {
            return Ok(EnrolOutcome::Used);
        }
        if enrolment.get::<Timestamp>("expires_at")? <= self.now {
            return Ok(EnrolOutcome::Expired);
        }
        let server = enrolment.parse("server_id")?;
        let row = sql("SELECT organization_id, name FROM servers WHERE id = $1");
        let row = row.bind(server).one(work.connection().await?).await?;
        let organization = row.get("organization_id")?;
        if used_by.is_none() {
            self.bind_key(work.connection().await?, server).await?;
            work.audit(&[self.event(server, organization, row.get("name")?)]);
        }
        Ok(EnrolOutcome::Enrolled {
            server,
            organization,
        })
    }
}

impl Enrol {
    /// Of two runners at once, the second waits here and then finds the token used.
    async fn lock(&self, connection: &mut AnyConnection) -> Result<Option<Record>, StoreError> {
        sql(
            "UPDATE enrolments SET expires_at = expires_at WHERE token_hash = $1
             RETURNING server_id, expires_at, used_by",
        )
        .bind(self.token)
        .optional(connection)
        .await
    }

    async fn bind_key(
        &self,
        connection: &mut AnyConnection,
        server: ServerId,
    ) -> Result<(), StoreError> {
        sql("UPDATE enrolments SET used_by = $2 WHERE server_id = $1")
            .bind(server)
            .bind(self.public_key.as_slice())
            .execute(connection)
            .await?;
        sql("UPDATE servers SET public_key = $2 WHERE id = $1")
            .bind(server)
            .bind(self.public_key.as_slice())
            .execute(connection)
            .await?;
        // Copies have the key of before.
        machines::forget(connection, server).await
    }

    fn event(&self, server: ServerId, organization: OrganizationId, name: String) -> NewAuditEvent {
        NewAuditEvent {
            id: self.event_id,
            organization: Some(organization),
            at: self.now,
            actor: Actor {
                kind: ActorKind::Runner,
                id: Some(server.as_uuid()),
                label: name.clone(),
            },
            source: self.source.clone(),
            action: "runner.enrol",
            resource: Resource {
                kind: "server",
                id: Some(server.to_string()),
                name: Some(name),
            },
            outcome: AuditOutcome::Success,
            detail: json!({}),
        }
    }
}

struct ReplaceEnrolment {
    organization: OrganizationId,
    server: ServerId,
    enrolment: NewEnrolment,
    /// Only of a server whose runner has never connected.
    only_waiting: bool,
    events: Vec<NewAuditEvent>,
}

impl Write for ReplaceEnrolment {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        // Locks the server, so that it cannot be decommissioned meanwhile.
        let found = sql("UPDATE servers SET name = name
             WHERE id = $1 AND organization_id = $2 AND status <> 'decommissioned'
                 AND ($3 = 0 OR status = 'provisioning')")
        .bind(self.server)
        .bind(self.organization)
        .bind(self.only_waiting)
        .execute(work.connection().await?)
        .await?;
        if found == 0 {
            return Ok(false);
        }
        put(work.connection().await?, self.server, self.enrolment).await?;
        work.audit(&self.events);
        Ok(true)
    }
}

/// Gives a server its one enrolment.
pub(super) async fn put(
    connection: &mut AnyConnection,
    server: ServerId,
    enrolment: NewEnrolment,
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO enrolments (server_id, token_hash, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (server_id) DO UPDATE SET
             token_hash = excluded.token_hash, expires_at = excluded.expires_at, used_by = NULL",
    )
    .bind(server)
    .bind(enrolment.token)
    .bind(enrolment.expires_at)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Gives a server a new enrolment; the earlier token is dead, the runner's key works on until
    /// the new one is used. `false` when the organization has no such server in use; then no
    /// event is written either.
    #[boxed]
    pub async fn replace_enrolment(
        &self,
        organization: OrganizationId,
        server: ServerId,
        enrolment: NewEnrolment,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = ReplaceEnrolment {
            organization,
            server,
            enrolment,
            only_waiting: false,
            events,
        };
        self.write(write).await
    }

    /// The same for a server whose runner has never connected; `false` for any other.
    #[boxed]
    pub async fn replace_unused_enrolment(
        &self,
        organization: OrganizationId,
        server: ServerId,
        enrolment: NewEnrolment,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = ReplaceEnrolment {
            organization,
            server,
            enrolment,
            only_waiting: true,
            events,
        };
        self.write(write).await
    }

    /// Uses an enrolment: binds the public key to the server. Repeating it with the same key is
    /// fine until it expires. The store writes the event `runner.enrol`, once.
    #[boxed]
    pub async fn enrol(
        &self,
        token: TokenHash,
        public_key: &[u8],
        now: Timestamp,
        source: RequestSource,
    ) -> Result<EnrolOutcome, StoreError> {
        let write = Enrol {
            token,
            public_key: public_key.to_vec(),
            now,
            source,
            event_id: self.event_id(),
        };
        self.write(write).await
    }
}
