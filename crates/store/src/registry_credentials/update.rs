//! Changing a registry credential.

use reoclo_domain::Secret;

use super::{OpenRegistryCredential, RegistryCredentialRecord};
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct UpdateRegistryCredential {
    record: RegistryCredentialRecord,
    sealed_secret: Option<Vec<u8>>,
    events: Vec<NewAuditEvent>,
}

impl Write for UpdateRegistryCredential {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let record = &self.record;
        let changed = sql(
            "UPDATE registry_credentials SET name = $4, registry_type = $5, registry_url = $6,
                 username = $7, description = $8, updated_at = $9,
                 sealed_secret = COALESCE($10, sealed_secret), revision = revision + 1
             WHERE id = $1 AND organization_id = $2 AND revision = $3",
        )
        .bind(record.id)
        .bind(record.organization)
        .bind(record.revision)
        .bind(record.name.as_str())
        .bind(record.registry_type_name.as_str())
        .bind(record.registry_url.as_str())
        .bind(record.username.as_deref())
        .bind(record.description.as_deref())
        .bind(record.updated_at)
        .bind(self.sealed_secret.clone())
        .execute(work.connection().await?)
        .await?;
        if changed == 0 {
            return Ok(false);
        }
        work.audit(&self.events);
        Ok(true)
    }
}

impl Store {
    /// Makes the registry credential what `record` says, with another secret when one is given.
    /// `false` when it is gone, or was changed since `record` was read: then nothing is written.
    pub async fn update_registry_credential(
        &self,
        record: RegistryCredentialRecord,
        secret: Option<Secret>,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let (record, sealed_secret) = match secret {
            None => (record, None),
            Some(secret) => {
                let open = OpenRegistryCredential { record, secret };
                let sealed = self.seal_registry_secret(&open)?;
                (open.record, Some(sealed))
            }
        };
        let write = UpdateRegistryCredential {
            record,
            sealed_secret,
            events,
        };
        self.write(write).await
    }
}
