//! Changing a registry credential.

use reoclo_domain::{RegistryCredentialId, Secret};
use reoclo_store::{AuditOutcome, Edit, NewAuditEvent, RegistryCredentialRecord};
use serde_json::{Value, json};

use super::MASKED_SECRET;
use super::checked::{
    SECRET_FIELD, checked_address, checked_description, checked_name, checked_secret, checked_type,
    checked_username,
};
use crate::audit::{Happening, differing, resource};
use crate::edit::settled;
use crate::{Authorized, Caller, Control, InvalidFields, Refusal, RegistryCredentialsWrite};

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
    /// The secret that it was given.
    pub(super) secret: Option<Secret>,
    /// The names of the fields that differ.
    fields: Vec<&'static str>,
}

impl Control {
    /// Changes a registry credential. Where or as whom it logs in changes only together with its
    /// secret: a kept password never goes to a new address (rule 18).
    pub async fn update_registry_credential(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
        change: RegistryCredentialChange,
    ) -> Result<RegistryCredentialRecord, Refusal> {
        let (control, caller) = (self.clone(), proof.caller().clone());
        let organization = caller.organization();
        let secret = change.new_secret(&mut InvalidFields::default());
        let rule = move |current: &RegistryCredentialRecord| {
            let mut changed = change.apply(current)?;
            if !changed.fields.is_empty() {
                changed.record.updated_at = control.now();
            }
            let event = control.registry_credential_updated(&caller, current, &changed);
            Ok(Edit {
                record: changed.record,
                events: vec![event],
            })
        };
        let store = self.store();
        let edited = store.edit_registry_credential(organization, id, secret, rule);
        settled(edited.await, "the registry credential")
    }

    /// The fields that differ, with what they were and are; of a secret, only that it is another.
    fn registry_credential_updated(
        &self,
        caller: &Caller,
        before: &RegistryCredentialRecord,
        changed: &Changed,
    ) -> NewAuditEvent {
        let record = &changed.record;
        let mut detail = differences(before, record);
        detail["changed"] = json!(changed.fields);
        let happening = Happening {
            action: "registry_credential.update",
            resource: resource("registry_credential", record.id, Some(record.name.as_str())),
            outcome: AuditOutcome::Success,
            detail,
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
            Some(text) if text.trim() != current.name.as_str() => checked_name(text, invalid),
            _ => Some(current.name.clone()),
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
            Some(text) if current.username.as_ref() != Some(text) => {
                checked_username(Some(text), invalid)
            }
            _ => current.username.clone(),
        };
        let description = match &self.description {
            Some(text) if current.description.as_ref() != Some(text) => {
                checked_description(Some(text), invalid)
            }
            _ => current.description.clone(),
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

fn differences(before: &RegistryCredentialRecord, after: &RegistryCredentialRecord) -> Value {
    let address = |record: &RegistryCredentialRecord| json!(record.registry_url.as_str());
    differing([
        (
            "name",
            json!(before.name.as_str()),
            json!(after.name.as_str()),
        ),
        (
            "registry_type",
            json!(before.registry_type_name),
            json!(after.registry_type_name),
        ),
        ("registry_url", address(before), address(after)),
        ("username", json!(before.username), json!(after.username)),
        (
            "description",
            json!(before.description),
            json!(after.description),
        ),
    ])
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
