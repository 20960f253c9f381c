//! Registry credentials as rows.

use reoclo_domain::{DisplayName, OrganizationId, RegistryCredentialId, Secret};

use super::{OpenRegistryCredential, RegistryCredentialRecord, secret_of};
use crate::error::StoreError;
use crate::sealing::Sealer;
use crate::sql::{Record, Statement, sql, unreadable};
use crate::store::Store;

impl RegistryCredentialRecord {
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            organization: row.get("organization_id")?,
            name: DisplayName::stored(row.get("name")?),
            registry_type: row.parse("registry_type")?,
            registry_type_name: row.get("registry_type")?,
            registry_url: row.get("registry_url")?,
            username: row.get("username")?,
            description: row.get("description")?,
            revision: row.get("revision")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

impl OpenRegistryCredential {
    fn read(row: &Record, sealer: &Sealer) -> Result<Self, StoreError> {
        let id: String = row.get("id")?;
        let secret = sealer.open(secret_of(&id), &row.get::<Vec<u8>>("sealed_secret")?)?;
        let secret = std::str::from_utf8(&secret).map_err(|_| unreadable("sealed_secret"))?;
        Ok(Self {
            record: RegistryCredentialRecord::read(row)?,
            secret: Secret::new(secret),
        })
    }
}

impl Store {
    /// The organization's registry credentials, by name and id.
    pub async fn registry_credentials(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<RegistryCredentialRecord>, StoreError> {
        sql("SELECT * FROM registry_credentials WHERE organization_id = $1 ORDER BY name, id")
            .bind(organization)
            .all(&mut self.reader().await?, RegistryCredentialRecord::read)
            .await
    }

    /// One registry credential of the organization.
    pub async fn registry_credential(
        &self,
        organization: OrganizationId,
        id: RegistryCredentialId,
    ) -> Result<Option<RegistryCredentialRecord>, StoreError> {
        let row = one(organization, id)
            .optional(&mut self.reader().await?)
            .await?;
        row.as_ref().map(RegistryCredentialRecord::read).transpose()
    }

    /// One registry credential of the organization, with its secret.
    pub async fn open_registry_credential(
        &self,
        organization: OrganizationId,
        id: RegistryCredentialId,
    ) -> Result<Option<OpenRegistryCredential>, StoreError> {
        let row = one(organization, id)
            .optional(&mut self.reader().await?)
            .await?;
        let sealer = self.master_key().sealer();
        row.map(|row| OpenRegistryCredential::read(&row, sealer))
            .transpose()
    }

    /// Those of `ids` that are no registry credentials of the organization.
    pub async fn unknown_registry_credentials(
        &self,
        organization: OrganizationId,
        ids: &[RegistryCredentialId],
    ) -> Result<Vec<RegistryCredentialId>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let there: Vec<RegistryCredentialId> =
            sql("SELECT id FROM registry_credentials WHERE organization_id = $1")
                .bind(organization)
                .all(&mut self.reader().await?, |row| row.get("id"))
                .await?;
        let missing = ids.iter().filter(|id| !there.contains(id));
        Ok(missing.copied().collect())
    }
}

fn one(organization: OrganizationId, id: RegistryCredentialId) -> Statement {
    sql("SELECT * FROM registry_credentials WHERE id = $1 AND organization_id = $2")
        .bind(id)
        .bind(organization)
}
