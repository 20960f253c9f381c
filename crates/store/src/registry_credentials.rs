//! Registry credentials: what servers log in to container registries with.

use reoclo_domain::{
    DisplayName, OrganizationId, RegistryAddress, RegistryCredentialId, RegistryTypeName, Timestamp,
};
use serde_json::{Map, Value, json};

use crate::rows::Rows;
use crate::sealing::{Sealed, SealedColumn};
use crate::sql::{Revision, Touched};
use crate::store::Store;
use crate::table::{Difference, table, told};

table! { "registry_credentials", "registry_credential" by (OrganizationId, RegistryCredentialId) =>
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

    impl {
        const SECRET: Option<SealedColumn> = Some(SealedColumn {
            column: "sealed_secret",
            purpose: "registry_credential",
        });

        /// Of a secret, only that it is another: behind what says where it goes.
        fn detail(differences: Vec<Difference>, sealed: Option<&Sealed>) -> Map<String, Value> {
            let mut changed: Vec<&str> = differences.iter().map(|(column, _)| *column).collect();
            let behind = changed.iter().take_while(|column| TARGET.contains(column)).count();
            changed.splice(behind..behind, sealed.map(|_| "encrypted_credential"));
            let changed = json!(changed);
            let mut detail = told(differences);
            detail.insert("changed".into(), changed);
            detail
        }
    }
}

/// Where and as whom one logs in.
const TARGET: [&str; 3] = ["registry_type", "registry_url", "username"];

impl Store {
    /// What servers log in to container registries with.
    pub fn registry_credentials(&self) -> Rows<'_, RegistryCredentialRecord, RegistryCredentialId> {
        self.rows()
    }
}
