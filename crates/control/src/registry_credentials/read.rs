//! Seeing registry credentials, without their secrets.

use reoclo_domain::RegistryCredentialId;
use reoclo_store::RegistryCredentialRecord;

use crate::{Authorized, Control, Refusal, RegistryCredentialsRead};

impl Control {
    /// The organization's registry credentials, by name.
    pub async fn registry_credentials(
        &self,
        proof: &Authorized<RegistryCredentialsRead>,
    ) -> Result<Vec<RegistryCredentialRecord>, Refusal> {
        let organization = proof.caller().organization();
        Ok(self.store().registry_credentials(organization).await?)
    }

    /// One of them.
    pub async fn registry_credential(
        &self,
        proof: &Authorized<RegistryCredentialsRead>,
        id: RegistryCredentialId,
    ) -> Result<RegistryCredentialRecord, Refusal> {
        let organization = proof.caller().organization();
        let found = self.store().registry_credential(organization, id).await?;
        found.ok_or(Refusal::NotFound("the registry credential"))
    }
}
