//! Changing when keys expire.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Timestamp};

use super::KeyRef;
use super::revoke::select;
use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct ExpireKey {
    organization: OrganizationId,
    key: KeyRef,
    expires_at: Option<Timestamp>,
    events: Vec<NewAuditEvent>,
}

impl Write for ExpireKey {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let update = "UPDATE api_keys SET expires_at = $4
             WHERE id = $1 AND kind = $2 AND organization_id = $3";
        let update = select(sql(update), self.organization, self.key).bind(self.expires_at);
        if update.execute(work.connection().await?).await? == 0 {
            return Ok(false);
        }
        work.effect(Effect::KeyExpiry(self.key, self.expires_at));
        work.audit(&self.events);
        Ok(true)
    }
}

impl Store {
    /// Changes when a key expires. `false` when the organization has no such key; then no event
    /// is written either.
    #[boxed]
    pub async fn expire_key(
        &self,
        organization: OrganizationId,
        key: KeyRef,
        expires_at: Option<Timestamp>,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = ExpireKey {
            organization,
            key,
            expires_at,
            events,
        };
        self.write(write).await
    }
}
