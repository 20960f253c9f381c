//! Changing a registry credential.

use reoclo_domain::{OrganizationId, RegistryCredentialId, Secret};
use sqlx::AnyConnection;

use super::RegistryCredentialRecord;
use crate::edit::{Edit, Edited, Rule};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

struct EditRegistryCredential<E> {
    organization: OrganizationId,
    id: RegistryCredentialId,
    sealed_secret: Option<Vec<u8>>,
    rule: Rule<RegistryCredentialRecord, E>,
}

impl<E: Send + 'static> Write for EditRegistryCredential<E> {
    type Output = Edited<RegistryCredentialRecord, E>;

    async fn apply(&self, work: &mut Work<'_>) -> Result<Self::Output, StoreError> {
        let row = sql("UPDATE registry_credentials SET name = name
             WHERE id = $1 AND organization_id = $2 RETURNING *")
        .bind(self.id)
        .bind(self.organization)
        .optional(work.connection().await?)
        .await?;
        let Some(row) = row else {
            return Ok(Edited::Unknown);
        };
        let before = RegistryCredentialRecord::read(&row)?;
        let Edit { mut record, events } = match (self.rule)(&before) {
            Ok(edit) => edit,
            Err(refused) => return Ok(Edited::Refused(refused)),
        };
        if record != before || self.sealed_secret.is_some() {
            record.revision = before.revision + 1;
            self.write(work.connection().await?, &record).await?;
            work.audit(&events);
        }
        Ok(Edited::Is(record))
    }
}

impl<E> EditRegistryCredential<E> {
    async fn write(
        &self,
        connection: &mut AnyConnection,
        record: &RegistryCredentialRecord,
    ) -> Result<(), StoreError> {
        sql(
            "UPDATE registry_credentials SET name = $2, registry_type = $3, registry_url = $4,
                 username = $5, description = $6, updated_at = $7,
                 sealed_secret = COALESCE($8, sealed_secret), revision = $9
             WHERE id = $1",
        )
        .bind(self.id)
        .bind(record.name.as_str())
        .bind(record.registry_type_name.as_str())
        .bind(record.registry_url.as_str())
        .bind(record.username.as_deref())
        .bind(record.description.as_deref())
        .bind(record.updated_at)
        .bind(self.sealed_secret.clone())
        .bind(record.revision)
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Changes a registry credential as `rule` says of it as it is, and its secret when one is
    /// given.
    pub async fn edit_registry_credential<E: Send + 'static>(
        &self,
        organization: OrganizationId,
        id: RegistryCredentialId,
        secret: Option<Secret>,
        rule: impl Fn(&RegistryCredentialRecord) -> Result<Edit<RegistryCredentialRecord>, E>
        + Send
        + Sync
        + 'static,
    ) -> Result<Edited<RegistryCredentialRecord, E>, StoreError> {
        let sealed_secret = secret.map(|secret| self.seal_registry_secret(id, &secret));
        let write = EditRegistryCredential {
            organization,
            id,
            sealed_secret: sealed_secret.transpose()?,
            rule: Box::new(rule),
        };
        self.write(write).await
    }
}
