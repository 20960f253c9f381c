//! Keeping a new registry credential.

use reoclo_domain::{RegistryCredentialId, Secret};

use super::{OpenRegistryCredential, RegistryCredentialRecord, secret_of};
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct CreateRegistryCredential {
    record: RegistryCredentialRecord,
    sealed_secret: Vec<u8>,
    events: Vec<NewAuditEvent>,
}

impl Write for CreateRegistryCredential {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let record = &self.record;
        sql(
            "INSERT INTO registry_credentials (id, organization_id, name, registry_type,
                 registry_url, username, description, sealed_secret, revision, created_at,
                 updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(record.id)
        .bind(record.organization)
        .bind(record.name.as_str())
        .bind(record.registry_type_name.as_str())
        .bind(record.registry_url.as_str())
        .bind(record.username.as_deref())
        .bind(record.description.as_deref())
        .bind(self.sealed_secret.as_slice())
        .bind(record.revision)
        .bind(record.created_at)
        .bind(record.updated_at)
        .execute(work.connection().await?)
        .await?;
        work.audit(&self.events);
        Ok(())
    }
}

impl Store {
    /// Keeps a registry credential, with its secret sealed.
    ///
    /// # Errors
    /// [`Conflict::Exists`](crate::Conflict::Exists) when the id is taken,
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization.
    pub async fn create_registry_credential(
        &self,
        credential: OpenRegistryCredential,
        events: Vec<NewAuditEvent>,
    ) -> Result<(), StoreError> {
        let write = CreateRegistryCredential {
            sealed_secret: self.seal_registry_secret(credential.record.id, &credential.secret)?,
            record: credential.record,
            events,
        };
        self.write(write).await
    }

    pub(super) fn seal_registry_secret(
        &self,
        id: RegistryCredentialId,
        secret: &Secret,
    ) -> Result<Vec<u8>, StoreError> {
        let (id, secret) = (id.to_string(), secret.expose().as_bytes());
        self.master_key()
            .sealer()
            .seal(secret_of(&id), secret, self.entropy())
    }
}
