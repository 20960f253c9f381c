//! Completing the set-up.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AuditEventId, OrganizationId, Timestamp, TokenHash, UserId};
use serde_json::json;
use sqlx::AnyConnection;

use super::{Profile, SetupOutcome};
use crate::audit::{Actor, ActorKind, AuditOutcome, NewAuditEvent, RequestSource, Resource};
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

struct CompleteSetup {
    link: TokenHash,
    now: Timestamp,
    profile: Profile,
    source: RequestSource,
    event_id: AuditEventId,
}

impl Write for CompleteSetup {
    type Output = SetupOutcome;

    async fn apply(&self, work: &mut Work<'_>) -> Result<SetupOutcome, StoreError> {
        let Some(link) = self.lock_link(work.connection().await?).await? else {
            return Ok(SetupOutcome::Unknown);
        };
        if link.get::<Timestamp>("expires_at")? <= self.now {
            return Ok(SetupOutcome::Expired);
        }
        let user = link.parse("user_id")?;
        let Some(organization) = organization_of(work.connection().await?, user).await? else {
            return Ok(SetupOutcome::Unknown);
        };
        self.fill_in(work.connection().await?, user).await?;
        sql("DELETE FROM setup_links WHERE user_id = $1")
            .bind(user)
            .execute(work.connection().await?)
            .await?;
        work.audit(&[self.event(user, organization)]);
        Ok(SetupOutcome::Completed { user, organization })
    }
}

impl CompleteSetup {
    /// Of two attempts at once, the second waits here and then finds no link.
    async fn lock_link(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<Option<Record>, StoreError> {
        sql(
            "UPDATE setup_links SET expires_at = expires_at WHERE token_hash = $1
             RETURNING user_id, expires_at",
        )
        .bind(self.link)
        .optional(connection)
        .await
    }

    async fn fill_in(
        &self,
        connection: &mut AnyConnection,
        user: UserId,
    ) -> Result<(), StoreError> {
        sql("UPDATE users SET email = $2, name = $3, password_hash = $4 WHERE id = $1")
            .bind(user)
            .bind(self.profile.email.as_str())
            .bind(self.profile.name.as_str())
            .bind(&self.profile.password_hash)
            .execute(connection)
            .await?;
        Ok(())
    }

    fn event(&self, user: UserId, organization: OrganizationId) -> NewAuditEvent {
        NewAuditEvent {
            id: self.event_id,
            organization: Some(organization),
            at: self.now,
            actor: Actor {
                kind: ActorKind::User,
                id: Some(user.as_uuid()),
                label: self.profile.email.clone(),
            },
            source: self.source.clone(),
            action: "user.setup",
            resource: Resource {
                kind: "user",
                id: Some(user.to_string()),
                name: Some(self.profile.email.clone()),
            },
            outcome: AuditOutcome::Success,
            detail: json!({}),
        }
    }
}

/// None when the person was removed in the meantime.
async fn organization_of(
    connection: &mut AnyConnection,
    user: UserId,
) -> Result<Option<OrganizationId>, StoreError> {
    let row = sql("SELECT organization_id FROM memberships WHERE user_id = $1
         ORDER BY CASE WHEN role = 'admin' THEN 0 ELSE 1 END, organization_id LIMIT 1")
    .bind(user)
    .optional(connection)
    .await?;
    row.map(|row| row.get("organization_id")).transpose()
}

impl Store {
    /// Completes the set-up and consumes the link; the store writes the event `user.setup`.
    ///
    /// # Errors
    /// [`Conflict::Taken`](crate::Conflict::Taken) when the address is taken.
    #[boxed]
    pub async fn complete_setup(
        &self,
        link: TokenHash,
        now: Timestamp,
        profile: Profile,
        source: RequestSource,
    ) -> Result<SetupOutcome, StoreError> {
        let write = CompleteSetup {
            link,
            now,
            profile,
            source,
            event_id: self.event_id(),
        };
        self.write(write).await
    }
}
