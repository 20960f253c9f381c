//! Removing published lists.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AddressSourceId, OrganizationId};

use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// What came of removing a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedSource {
    /// It is gone.
    Removed,
    /// The organization has no such list.
    Unknown,
    /// So many keys that are not revoked name it.
    InUse(i64),
}

struct RemoveSource {
    organization: OrganizationId,
    id: AddressSourceId,
    events: Vec<NewAuditEvent>,
}

impl Write for RemoveSource {
    type Output = RemovedSource;

    async fn apply(&self, work: &mut Work<'_>) -> Result<RemovedSource, StoreError> {
        let using = sql("SELECT COUNT(*) AS count FROM api_keys
             WHERE organization_id = $1 AND revoked_at IS NULL
                 AND (' ' || ip_allowlist_sources || ' ') LIKE $2")
        .bind(self.organization)
        .bind(format!("% {} %", self.id))
        .one(work.connection().await?)
        .await?
        .get::<i64>("count")?;
        if using > 0 {
            return Ok(RemovedSource::InUse(using));
        }
        let removed = sql("DELETE FROM address_sources WHERE id = $1 AND organization_id = $2")
            .bind(self.id)
            .bind(self.organization)
            .execute(work.connection().await?)
            .await?;
        if removed == 0 {
            return Ok(RemovedSource::Unknown);
        }
        work.effect(Effect::ListRemoved(self.id));
        work.audit(&self.events);
        Ok(RemovedSource::Removed)
    }
}

impl Store {
    /// Removes a list that no key names.
    #[boxed]
    pub async fn remove_address_source(
        &self,
        organization: OrganizationId,
        id: AddressSourceId,
        events: Vec<NewAuditEvent>,
    ) -> Result<RemovedSource, StoreError> {
        let write = RemoveSource {
            organization,
            id,
            events,
        };
        self.write(write).await
    }
}
