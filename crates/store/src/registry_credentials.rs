//! Registry credentials: what servers log in to container registries with.

use std::collections::HashSet;

use reoclo_domain::{
    DisplayName, OrganizationId, RegistryAddress, RegistryCredentialId, RegistryTypeName, Secret,
    Timestamp,
};
use serde_json::{Map, Value, json};

use crate::audit::Audit;
use crate::edit::Edited;
use crate::error::StoreError;
use crate::sealing::{Sealed, SealedColumn};
use crate::sql::{Revision, Touched};
use crate::store::Store;
use crate::table::{Audited, Difference, table, told};

table! { "registry_credentials" =>
    /// A registry credential, without its secret.
    pub struct RegistryCredentialRecord {
        /// Its id.
        pub id: RegistryCredentialId,
        /// The organization it belongs to.
        pub organization: OrganizationId = "organization_id",
        /// Whose registry it is.
        pub registry_type: RegistryTypeName,
        /// Where the registry is.
        pub registry_url: RegistryAddress,
        /// The user to log in as, where one was given.
        pub username: Option<String>,
        /// Its name for people.
        pub name: DisplayName,
        /// What people noted about it.
        pub description: Option<String>,
        /// How often it was changed.
        pub revision: Revision,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it was last changed.
        pub updated_at: Touched,
    }
}

/// The password or token.
const SECRET: SealedColumn = SealedColumn {
    column: "sealed_secret",
    purpose: "registry_credential",
};

impl Audited for RegistryCredentialRecord {
    type Key = (OrganizationId, RegistryCredentialId);

    const KIND: &'static str = "registry_credential";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn name(&self) -> Option<String> {
        Some(self.name.to_string())
    }

    /// Of a secret, only that it is another: behind what says where it goes.
    fn detail(differences: Vec<Difference>, sealed: Option<&Sealed>) -> Map<String, Value> {
        let mut changed: Vec<&str> = differences.iter().map(|(column, _)| *column).collect();
        let is_target =
            |column: &&&str| ["registry_type", "registry_url", "username"].contains(column);
        let behind = changed.iter().take_while(is_target).count();
        changed.splice(behind..behind, sealed.map(|_| "encrypted_credential"));
        let changed = json!(changed);
        let mut detail = told(differences);
        detail.insert("changed".into(), changed);
        detail
    }
}

/// The registry credentials of all organizations.
#[derive(Clone, Copy)]
pub struct RegistryCredentials<'s>(&'s Store);

impl Store {
    /// What servers log in to container registries with.
    pub fn registry_credentials(&self) -> RegistryCredentials<'_> {
        RegistryCredentials(self)
    }
}

impl RegistryCredentials<'_> {
    /// The organization's, by name and id.
    pub async fn list(
        self,
        organization: OrganizationId,
    ) -> Result<Vec<RegistryCredentialRecord>, StoreError> {
        self.0.list(organization, "name, id").await
    }

    /// One of the organization's.
    pub async fn find(
        self,
        organization: OrganizationId,
        id: RegistryCredentialId,
    ) -> Result<Option<RegistryCredentialRecord>, StoreError> {
        self.0.find((organization, id)).await
    }

    /// One of the organization's, with the secret that belongs to it at the same moment.
    pub async fn open(
        self,
        organization: OrganizationId,
        id: RegistryCredentialId,
    ) -> Result<Option<(RegistryCredentialRecord, Secret)>, StoreError> {
        self.0.find_open((organization, id), SECRET).await
    }

    /// Those of `ids` that are none of the organization's.
    pub async fn unknown(
        self,
        organization: OrganizationId,
        ids: &[RegistryCredentialId],
    ) -> Result<Vec<RegistryCredentialId>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let there = self.list(organization).await?.into_iter();
        let there: HashSet<_> = there.map(|record| record.id).collect();
        let missing = ids.iter().filter(|id| !there.contains(id));
        Ok(missing.copied().collect())
    }

    /// Keeps one, with its secret sealed.
    ///
    /// # Errors
    /// [`Conflict::Exists`](crate::Conflict::Exists) when the id is taken,
    /// [`Conflict::Missing`](crate::Conflict::Missing) for an unknown organization.
    pub async fn create(
        self,
        record: RegistryCredentialRecord,
        secret: &Secret,
        audit: Audit,
    ) -> Result<(), StoreError> {
        let sealed = self.0.sealed(SECRET, record.id, secret)?;
        self.0.insert(record, Some(sealed), audit).await
    }

    /// Changes one as `rule` says of it as it is, and its secret when one is given.
    pub async fn change<E: Send + 'static>(
        self,
        organization: OrganizationId,
        id: RegistryCredentialId,
        secret: Option<&Secret>,
        audit: Audit,
        rule: impl Fn(&RegistryCredentialRecord) -> Result<RegistryCredentialRecord, E>
        + Send
        + Sync
        + 'static,
    ) -> Result<Edited<RegistryCredentialRecord, E>, StoreError> {
        let sealed = secret.map(|secret| self.0.sealed(SECRET, id, secret));
        let key = (organization, id);
        self.0.edit(key, sealed.transpose()?, audit, rule).await
    }

    /// Removes one; keys that list it keep their lists, which never widen. The audit log is told
    /// what `told` says of it.
    pub async fn remove<E: Send + 'static>(
        self,
        organization: OrganizationId,
        id: RegistryCredentialId,
        audit: Audit,
        told: impl Fn(&RegistryCredentialRecord) -> Result<Value, E> + Send + Sync + 'static,
    ) -> Result<Edited<RegistryCredentialRecord, E>, StoreError> {
        self.0.remove((organization, id), audit, told).await
    }
}
