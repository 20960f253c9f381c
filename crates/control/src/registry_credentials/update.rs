//! Changing a registry credential.

use reoclo_domain::{RegistryCredentialId, Secret};
use reoclo_store::{AuditOutcome, NewAuditEvent, RegistryCredentialRecord};
use serde_json::json;

use super::MASKED_SECRET;
use super::checked::{
    SECRET_FIELD, checked_address, checked_description, checked_name, checked_secret, checked_type,
    checked_username,
};
use crate::audit::{Happening, resource};
use crate::{Authorized, Caller, Control, InvalidFields, Refusal, RegistryCredentialsWrite};

/// Changes of the same credential at the same time are tried so often.
const TRIES: usize = 5;

/// What is to be changed; what is absent stays. An empty user name or description removes it.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct RegistryCredentialChange {
    pub name: Option<String>,
    pub registry_type: Option<String>,
    pub registry_url: Option<String>,
    pub username: Option<String>,
    pub description: Option<String>,
    pub secret: Option<Secret>,
}

/// A credential as it is to be.
pub(super) struct Changed {
    pub(super) record: RegistryCredentialRecord,
    pub(super) secret: Option<Secret>,
    /// The names of the fields that differ.
    fields: Vec<&'static str>,
}

impl Control {
    /// Changes a registry credential. Where or as whom it logs in changes only together with its
    /// secret: a kept password never goes to a new address (DESIGN rule 18).
    pub async fn update_registry_credential(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
        change: RegistryCredentialChange,
    ) -> Result<RegistryCredentialRecord, Refusal> {
        let organization = proof.caller().organization();
        for _ in 0..TRIES {
            let found = self.store().registry_credential(organization, id).await?;
            let current = found.ok_or(Refusal::NotFound("the registry credential"))?;
            let changed = change.apply(&current)?;
            if changed.fields.is_empty() {
                return Ok(current);
            }
            if let Some(record) = self.store_change(proof.caller(), changed).await? {
                return Ok(record);
            }
        }
        Err(Refusal::Conflict(
            "the registry credential is being changed by others: read it and try again".into(),
        ))
    }

    /// Nothing when somebody else was faster.
    async fn store_change(
        &self,
        caller: &Caller,
        changed: Changed,
    ) -> Result<Option<RegistryCredentialRecord>, Refusal> {
        let event = self.registry_credential_updated(caller, &changed);
        let mut record = changed.record;
        record.updated_at = self.now();
        let updated = self
            .store()
            .update_registry_credential(record.clone(), changed.secret, vec![event])
            .await
            .map_err(Refusal::of_write)?;
        record.revision += 1;
        Ok(updated.then_some(record))
    }

    fn registry_credential_updated(&self, caller: &Caller, changed: &Changed) -> NewAuditEvent {
        let record = &changed.record;
        let happening = Happening {
            action: "registry_credential.update",
            resource: resource("registry_credential", record.id, Some(record.name.as_str())),
            outcome: AuditOutcome::Success,
            detail: json!({
                "changed": changed.fields,
                "registry_type": record.registry_type.as_str(),
                "registry_url": record.registry_url.as_str(),
                "username": record.username,
            }),
        };
        self.event_by(caller, happening)
    }
}

impl RegistryCredentialChange {
    /// The credential with the changes, if they may be made.
    pub(super) fn apply(&self, current: &RegistryCredentialRecord) -> Result<Changed, Refusal> {
        let mut invalid = InvalidFields::default();
        let record = self.applied(current, &mut invalid);
        let secret = self.new_secret(&mut invalid);
        invalid.clone().into_result()?;
        let Some(record) = record else {
            return Err(Refusal::InvalidRequest(invalid));
        };
        let target = target_fields(current, &record);
        if !target.is_empty() && secret.is_none() {
            let problem = format!(
                "must come with a change of {}: a kept password is not sent to a new address",
                target.join(" and ")
            );
            return Err(Refusal::field(SECRET_FIELD, problem));
        }
        let mut fields = target;
        fields.extend(secret.iter().map(|_| SECRET_FIELD));
        fields.extend((current.name != record.name).then_some("name"));
        fields.extend((current.description != record.description).then_some("description"));
        let respelled = current.registry_type_name != record.registry_type_name;
        if respelled && !fields.contains(&"registry_type") {
            fields.push("registry_type");
        }
        Ok(Changed {
            record,
            secret,
            fields,
        })
    }

    fn applied(
        &self,
        current: &RegistryCredentialRecord,
        invalid: &mut InvalidFields,
    ) -> Option<RegistryCredentialRecord> {
        let name = match &self.name {
            Some(text) => checked_name(text, invalid),
            None => Some(current.name.clone()),
        };
        let type_name = self
            .registry_type
            .as_ref()
            .unwrap_or(&current.registry_type_name);
        let kind = checked_type(type_name, invalid);
        let address = match &self.registry_url {
            Some(text) => checked_address(Some(text), kind, invalid),
            None => Some(current.registry_url.clone()),
        };
        let username = match &self.username {
            Some(text) => checked_username(Some(text), invalid),
            None => current.username.clone(),
        };
        let description = match &self.description {
            Some(text) => checked_description(Some(text), invalid),
            None => current.description.clone(),
        };
        Some(RegistryCredentialRecord {
            name: name?,
            registry_type: kind?,
            registry_type_name: type_name.clone(),
            registry_url: address?,
            username,
            description,
            ..current.clone()
        })
    }

    /// A client that sends back what it was shown sends the mask.
    fn new_secret(&self, invalid: &mut InvalidFields) -> Option<Secret> {
        let secret = self.secret.clone();
        let secret = secret.filter(|secret| secret.expose() != MASKED_SECRET)?;
        checked_secret(SECRET_FIELD, Some(secret), invalid)
    }
}

/// Which fields say that the secret would go elsewhere.
fn target_fields(
    current: &RegistryCredentialRecord,
    record: &RegistryCredentialRecord,
) -> Vec<&'static str> {
    let mut fields = Vec::new();
    fields.extend((current.registry_type != record.registry_type).then_some("registry_type"));
    fields.extend((current.registry_url != record.registry_url).then_some("registry_url"));
    fields.extend((current.username != record.username).then_some("username"));
    fields
}
