//! The registry credentials that keys name.

use reoclo_domain::{OrganizationId, RegistryCredentialId};

use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Those of `ids` that are no registry credentials of the organization. None can be stored
    /// yet, so that is all of them.
    #[expect(clippy::unused_async, reason = "it will look into the database")]
    pub async fn unknown_registry_credentials(
        &self,
        _organization: OrganizationId,
        ids: &[RegistryCredentialId],
    ) -> Result<Vec<RegistryCredentialId>, StoreError> {
        Ok(ids.to_vec())
    }
}
