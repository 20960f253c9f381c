//! Revoking keys.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Timestamp};
use sqlx::AnyConnection;

use super::KeyRef;
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::{Statement, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

/// What came of revoking a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// The key is revoked.
    Now,
    /// It was revoked before; the first moment stands.
    Before,
    /// The organization has no such key.
    Unknown,
}

struct RevokeKey {
    organization: OrganizationId,
    key: KeyRef,
    at: Timestamp,
    events: Vec<NewAuditEvent>,
}

impl Write for RevokeKey {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let revoked = revoke(work, self.organization, self.key, self.at).await?;
        if revoked == Revoked::Now {
            work.audit(&self.events);
        }
        Ok(revoked != Revoked::Unknown)
    }
}

/// Revokes a key, unless it is.
pub(super) async fn revoke(
    work: &mut Work<'_>,
    organization: OrganizationId,
    key: KeyRef,
    at: Timestamp,
) -> Result<Revoked, StoreError> {
    let update = "UPDATE api_keys SET revoked_at = $4
         WHERE id = $1 AND kind = $2 AND organization_id = $3 AND revoked_at IS NULL";
    let update = select(sql(update), organization, key).bind(at);
    if update.execute(work.connection().await?).await? > 0 {
        work.effect(Effect::KeyRevoked(key));
        return Ok(Revoked::Now);
    }
    Ok(
        if is_there(work.connection().await?, organization, key).await? {
            Revoked::Before
        } else {
            Revoked::Unknown
        },
    )
}

async fn is_there(
    connection: &mut AnyConnection,
    organization: OrganizationId,
    key: KeyRef,
) -> Result<bool, StoreError> {
    let query = "SELECT id FROM api_keys WHERE id = $1 AND kind = $2 AND organization_id = $3";
    let found = select(sql(query), organization, key).optional(connection);
    Ok(found.await?.is_some())
}

/// Binds which key it is.
pub(super) fn select(statement: Statement, organization: OrganizationId, key: KeyRef) -> Statement {
    statement
        .bind(key.as_uuid())
        .bind(key.kind().as_str())
        .bind(organization)
}

impl Store {
    /// Revokes a key; effective in [`Store::find_key`] before it returns. Revoking again changes
    /// nothing, and no event is written. `false` when the organization has no such key; then no
    /// event is written either.
    #[boxed]
    pub async fn revoke_key(
        &self,
        organization: OrganizationId,
        key: KeyRef,
        at: Timestamp,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = RevokeKey {
            organization,
            key,
            at,
            events,
        };
        self.write(write).await
    }
}
