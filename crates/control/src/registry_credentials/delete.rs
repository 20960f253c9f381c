//! Removing a registry credential.

use reoclo_domain::RegistryCredentialId;
use reoclo_store::AuditOutcome;
use serde_json::json;

use crate::audit::{Happening, resource};
use crate::{Authorized, Control, Refusal, RegistryCredentialsWrite};

impl Control {
    /// Removes a registry credential. Servers that are logged in with it stay so.
    pub async fn delete_registry_credential(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
    ) -> Result<(), Refusal> {
        let (caller, store) = (proof.caller(), self.store());
        let organization = caller.organization();
        let unknown = || Refusal::NotFound("the registry credential");
        let found = store.registry_credential(organization, id).await?;
        let record = found.ok_or_else(unknown)?;
        let happening = Happening {
            action: "registry_credential.delete",
            resource: resource("registry_credential", id, Some(record.name.as_str())),
            outcome: AuditOutcome::Success,
            detail: json!({ "registry_url": record.registry_url.as_str() }),
        };
        let event = self.event_by(caller, happening);
        let deleted = store
            .delete_registry_credential(organization, id, vec![event])
            .await
            .map_err(Refusal::of_write)?;
        if deleted { Ok(()) } else { Err(unknown()) }
    }
}
