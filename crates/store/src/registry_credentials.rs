//! Registry credentials: what servers log in to container registries with.

mod create;
mod delete;
mod find;
mod update;

use reoclo_domain::{
    DisplayName, OrganizationId, RegistryAddress, RegistryCredentialId, RegistryType, Secret,
    Timestamp,
};

use crate::sealing::Place;

/// A registry credential, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryCredentialRecord {
    /// Its id.
    pub id: RegistryCredentialId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name for people.
    pub name: DisplayName,
    /// Whose registry it is.
    pub registry_type: RegistryType,
    /// The type's name as the client sent it: `docker` for `docker_hub`.
    pub registry_type_name: String,
    /// Where the registry is.
    pub registry_url: RegistryAddress,
    /// The user to log in as, where one was given.
    pub username: Option<String>,
    /// What people noted about it.
    pub description: Option<String>,
    /// How often it was changed.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A registry credential with the secret that belongs to it at the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRegistryCredential {
    /// All but the secret.
    pub record: RegistryCredentialRecord,
    /// The password or token.
    pub secret: Secret,
}

/// Where a credential's secret is sealed for.
fn secret_of(id: &str) -> Place<'_> {
    Place {
        purpose: "registry_credential",
        id,
    }
}
