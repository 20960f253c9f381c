//! Keeping a registry credential.

use reoclo_domain::RegistryCredentialId;
use reoclo_store::{AuditOutcome, NewAuditEvent, OpenRegistryCredential, RegistryCredentialRecord};
use serde_json::json;

use super::NewRegistryCredentialForm;
use super::checked::{
    SECRET_FIELD, checked_address, checked_description, checked_name, checked_secret, checked_type,
    checked_username,
};
use crate::audit::{Happening, resource};
use crate::{Authorized, Caller, Control, InvalidFields, Refusal, RegistryCredentialsWrite};

impl Control {
    /// Keeps a registry credential; its secret is sealed and never shown again.
    pub async fn create_registry_credential(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        form: NewRegistryCredentialForm,
    ) -> Result<RegistryCredentialRecord, Refusal> {
        let caller = proof.caller();
        let credential = self.new_registry_credential(caller, form)?;
        let record = credential.record.clone();
        let event = self.registry_credential_created(caller, &record);
        self.store()
            .create_registry_credential(credential, vec![event])
            .await
            .map_err(Refusal::of_write)?;
        Ok(record)
    }

    fn new_registry_credential(
        &self,
        caller: &Caller,
        form: NewRegistryCredentialForm,
    ) -> Result<OpenRegistryCredential, Refusal> {
        let mut invalid = InvalidFields::default();
        let name = checked_name(&form.name, &mut invalid);
        let kind = checked_type(&form.registry_type, &mut invalid);
        let address = checked_address(form.registry_url.as_deref(), kind, &mut invalid);
        let username = checked_username(form.username.as_deref(), &mut invalid);
        let description = checked_description(form.description.as_deref(), &mut invalid);
        let secret = checked_secret(SECRET_FIELD, form.secret, &mut invalid);
        invalid.clone().into_result()?;
        let (Some(name), Some(registry_type), Some(registry_url), Some(secret)) =
            (name, kind, address, secret)
        else {
            return Err(Refusal::InvalidRequest(invalid));
        };
        let now = self.now();
        let record = RegistryCredentialRecord {
            id: RegistryCredentialId::new(self.clock(), self.entropy()),
            organization: caller.organization(),
            name,
            registry_type,
            registry_type_name: form.registry_type,
            registry_url,
            username,
            description,
            revision: 1,
            created_at: now,
            updated_at: now,
        };
        Ok(OpenRegistryCredential { record, secret })
    }

    fn registry_credential_created(
        &self,
        caller: &Caller,
        record: &RegistryCredentialRecord,
    ) -> NewAuditEvent {
        let happening = Happening {
            action: "registry_credential.create",
            resource: resource("registry_credential", record.id, Some(record.name.as_str())),
            outcome: AuditOutcome::Success,
            detail: json!({
                "registry_type": record.registry_type.as_str(),
                "registry_url": record.registry_url.as_str(),
                "username": record.username,
            }),
        };
        self.event_by(caller, happening)
    }
}
