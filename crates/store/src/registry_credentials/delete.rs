//! Removing a registry credential.

use reoclo_domain::{OrganizationId, RegistryCredentialId};

use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct DeleteRegistryCredential {
    organization: OrganizationId,
    id: RegistryCredentialId,
    events: Vec<NewAuditEvent>,
}

impl Write for DeleteRegistryCredential {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let deleted =
            sql("DELETE FROM registry_credentials WHERE id = $1 AND organization_id = $2")
                .bind(self.id)
                .bind(self.organization)
                .execute(work.connection().await?)
                .await?;
        if deleted == 0 {
            return Ok(false);
        }
        work.audit(&self.events);
        Ok(true)
    }
}

impl Store {
    /// Removes a registry credential; keys that list it keep their lists, which never widen.
    /// `false` when the organization has no such credential; then no event is written either.
    pub async fn delete_registry_credential(
        &self,
        organization: OrganizationId,
        id: RegistryCredentialId,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let write = DeleteRegistryCredential {
            organization,
            id,
            events,
        };
        self.write(write).await
    }
}
