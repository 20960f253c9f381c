//! Beginning a session.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Timestamp, TokenHash};
use sqlx::AnyConnection;

use super::NewSession;
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct CreateSession {
    new: NewSession,
    replaces: Option<TokenHash>,
    idle_since: Timestamp,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateSession {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        self.remove_dead(work.connection().await?).await?;
        if let Some(token) = self.replaces {
            sql("DELETE FROM sessions WHERE token_hash = $1")
                .bind(token)
                .execute(work.connection().await?)
                .await?;
        }
        insert(work.connection().await?, &self.new).await?;
        work.audit(&self.events);
        Ok(())
    }
}

impl CreateSession {
    /// Sessions that are over leave when others begin, so that they never pile up.
    async fn remove_dead(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        sql("DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2")
            .bind(self.new.created_at)
            .bind(self.idle_since)
            .execute(connection)
            .await?;
        Ok(())
    }
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    new: &NewSession,
) -> Result<(), StoreError> {
    sql(
        "INSERT INTO sessions (id, token_hash, user_id, organization_id, created_at, expires_at,
             last_seen_at, ip, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $5, $7, $8)",
    )
    .bind(new.id)
    .bind(new.token)
    .bind(new.user)
    .bind(new.organization)
    .bind(new.created_at)
    .bind(new.expires_at)
    .bind(new.ip)
    .bind(new.user_agent.as_deref())
    .execute(connection)
    .await?;
    sql("UPDATE users SET last_organization_id = $2
         WHERE id = $1 AND COALESCE(last_organization_id, '') <> $2")
    .bind(new.user)
    .bind(new.organization)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Begins a session in the place of the one with the token `replaces`, so that the token
    /// rotates; sessions that are over or idle since `idle_since` are removed.
    ///
    /// # Errors
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown person or organization.
    #[boxed]
    pub async fn create_session(
        &self,
        new: NewSession,
        replaces: Option<TokenHash>,
        idle_since: Timestamp,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = CreateSession {
            new,
            replaces,
            idle_since,
            events,
        };
        self.write(write).await
    }
}
