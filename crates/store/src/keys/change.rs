//! Changing when keys end.

use reoclo_domain::{OrganizationId, Timestamp};
use sqlx::AnyConnection;

use super::KeyRef;
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::{Statement, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

struct ChangeKey {
    organization: OrganizationId,
    key: KeyRef,
    change: Change,
    events: Vec<NewAuditEvent>,
}

#[derive(Clone, Copy)]
enum Change {
    Revoke(Timestamp),
    Expire(Option<Timestamp>),
}

impl Write for ChangeKey {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        if !self.update(work.connection).await? {
            return Ok(false);
        }
        work.effect(match self.change {
            Change::Revoke(_) => Effect::KeyRevoked(self.key),
            Change::Expire(at) => Effect::KeyExpiry(self.key, at),
        });
        work.audit(&self.events);
        Ok(true)
    }
}

impl ChangeKey {
    async fn update(&self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        // The first revocation stands.
        let statement = match self.change {
            Change::Revoke(at) => self
                .select(sql(
                    "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $4)
                 WHERE id = $1 AND kind = $2 AND organization_id = $3",
                ))
                .bind(at),
            Change::Expire(at) => self
                .select(sql("UPDATE api_keys SET expires_at = $4
                 WHERE id = $1 AND kind = $2 AND organization_id = $3"))
                .bind(at),
        };
        Ok(statement.execute(connection).await? > 0)
    }

    fn select(&self, statement: Statement) -> Statement {
        statement
            .bind(self.key.as_uuid())
            .bind(self.key.kind().as_str())
            .bind(self.organization)
    }
}

impl Store {
    /// Revokes a key; effective in [`Store::find_key`] before it returns. Revoking again keeps
    /// the first moment. `false` when the organization has no such key; then no event is written
    /// either.
    pub async fn revoke_key(
        &self,
        organization: OrganizationId,
        key: KeyRef,
        at: Timestamp,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = ChangeKey {
            organization,
            key,
            change: Change::Revoke(at),
            events,
        };
        self.write(write).await
    }

    /// Changes when a key expires; otherwise as [`Store::revoke_key`].
    pub async fn set_key_expiry(
        &self,
        organization: OrganizationId,
        key: KeyRef,
        expires_at: Option<Timestamp>,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = ChangeKey {
            organization,
            key,
            change: Change::Expire(expires_at),
            events,
        };
        self.write(write).await
    }
}
