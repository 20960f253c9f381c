//! Registry credentials: what servers log in to container registries with.

mod challenge;
mod checked;
mod registry_api;
mod test_connection;

use reoclo_api_types::RegistryCredentialChangeRequest;
use reoclo_domain::{
    OrganizationId, RegistryCredentialId, RegistryType, RegistryTypeName, Secret, Timestamp,
};
use reoclo_store::{RegistryCredentialRecord, Revision, Touched};
use serde_json::json;

use crate::core::Core;
use crate::edit::settled;
use crate::{
    Authorized, InvalidFields, Refusal, RegistryCredentialsRead, RegistryCredentialsWrite, Settings,
};
pub use checked::MASKED_SECRET;
use checked::{
    SECRET_FIELD, checked_address, checked_description, checked_name, checked_type, given_secret,
};
pub(crate) use checked::{checked_secret, checked_username};
pub use test_connection::ConnectionTest;

/// What a refusal calls one that is not there.
const WHAT: &str = "the registry credential";

/// The registry credentials of organizations.
#[derive(Clone, Copy, Debug)]
pub struct RegistryCredentials<'c> {
    pub(crate) core: &'c Core,
    /// Trying one goes out to its registry.
    pub(crate) settings: &'c Settings,
}

impl RegistryCredentials<'_> {
    /// The organization's, by name.
    pub async fn list(
        self,
        proof: &Authorized<RegistryCredentialsRead>,
    ) -> Result<Vec<RegistryCredentialRecord>, Refusal> {
        let store = self.core.store().registry_credentials();
        Ok(store.list(proof.caller().organization()).await?)
    }

    /// One of them.
    pub async fn show(
        self,
        proof: &Authorized<RegistryCredentialsRead>,
        id: RegistryCredentialId,
    ) -> Result<RegistryCredentialRecord, Refusal> {
        let store = self.core.store().registry_credentials();
        let found = store.find(proof.caller().organization(), id).await?;
        found.ok_or(Refusal::NotFound(WHAT))
    }

    /// Keeps one; its secret is sealed and never shown again.
    pub async fn create(
        self,
        proof: &Authorized<RegistryCredentialsWrite>,
        new: impl Into<RegistryCredentialChangeRequest>,
    ) -> Result<RegistryCredentialRecord, Refusal> {
        let (caller, new, mut invalid) = (proof.caller(), new.into(), InvalidFields::default());
        let id = RegistryCredentialId::new(self.core.clock(), self.core.entropy());
        let record = applied(
            &new,
            None,
            (caller.organization(), id),
            self.core.now(),
            &mut invalid,
        );
        let secret = given_secret(
            new.encrypted_credential.as_ref(),
            new.password.as_ref(),
            &mut invalid,
        );
        let secret = checked_secret(SECRET_FIELD, secret, &mut invalid);
        let (record, secret) = invalid.complete(record.zip(secret))?;
        let detail = json!({
            "registry_type": record.registry_type.registry_type().as_str(),
            "registry_url": record.registry_url.as_str(),
            "username": record.username,
        });
        let audit = self
            .core
            .audit(caller, "registry_credential.create", detail);
        let store = self.core.store().registry_credentials();
        let created = store.create(record.clone(), &secret, audit).await;
        created.map_err(Refusal::of_write)?;
        Ok(record)
    }

    /// Changes one; what is absent stays. Where or as whom it logs in changes only together with
    /// its secret: a kept password never goes to a new address (rule 18).
    pub async fn change(
        self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
        change: RegistryCredentialChangeRequest,
    ) -> Result<RegistryCredentialRecord, Refusal> {
        let (caller, now) = (proof.caller(), self.core.now());
        let secret = new_secret(&change, &mut InvalidFields::default());
        let rule = move |current: &RegistryCredentialRecord| Ok(changed(&change, current, now)?.0);
        let audit = self
            .core
            .audit(caller, "registry_credential.update", json!({}));
        let (store, organization) = (self.core.store(), caller.organization());
        let store = store.registry_credentials();
        let changed = store.change(organization, id, secret.as_ref(), audit, rule);
        settled(changed.await, WHAT)
    }

    /// Removes one. Servers that are logged in with it stay so.
    pub async fn remove(
        self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let told = |record: &RegistryCredentialRecord| {
            Ok(json!({ "registry_url": record.registry_url.as_str() }))
        };
        let audit = self
            .core
            .audit(caller, "registry_credential.delete", json!({}));
        let store = self.core.store().registry_credentials();
        let removed = store.remove(caller.organization(), id, audit, told).await;
        settled(removed, WHAT).map(drop)
    }
}

/// The credential that is asked for: what is there, if it is, with what differs from it. What is
/// wrong is added to `invalid`; what is not asked for anew is not checked anew.
fn applied(
    wanted: &RegistryCredentialChangeRequest,
    current: Option<&RegistryCredentialRecord>,
    (organization, id): (OrganizationId, RegistryCredentialId),
    now: Timestamp,
    invalid: &mut InvalidFields,
) -> Option<RegistryCredentialRecord> {
    let name = match (&wanted.name, current) {
        (Some(text), Some(current)) if text.trim() == current.name.as_str() => {
            Some(current.name.clone())
        }
        (Some(text), _) => checked_name(text, invalid),
        (None, current) => current.map(|current| current.name.clone()),
    };
    let registry_type = match (&wanted.registry_type, current) {
        (Some(text), _) => checked_type(text, invalid),
        (None, current) => current.map(|current| current.registry_type.clone()),
    };
    let kind = registry_type.as_ref().map(RegistryTypeName::registry_type);
    let registry_url = match (&wanted.registry_url, current) {
        (None, Some(current)) => Some(current.registry_url.clone()),
        (text, _) => checked_address(text.as_deref(), kind, invalid),
    };
    let mut differing =
        |wanted: &Option<String>, current: Option<&String>, check: Check| match wanted.as_ref() {
            Some(text) if Some(text) != current => check(Some(text), invalid),
            _ => current.cloned(),
        };
    let was = current.and_then(|current| current.username.as_ref());
    let username = differing(&wanted.username, was, checked_username);
    let was = current.and_then(|current| current.description.as_ref());
    let description = differing(&wanted.description, was, checked_description);
    Some(RegistryCredentialRecord {
        id,
        organization,
        name: name?,
        registry_type: registry_type?,
        registry_url: registry_url?,
        username,
        description,
        revision: current.map_or(Revision::FIRST, |current| current.revision),
        created_at: current.map_or(now, |current| current.created_at),
        updated_at: current.map_or(Touched::new(now), |current| current.updated_at),
    })
}

type Check = fn(Option<&str>, &mut InvalidFields) -> Option<String>;

/// The credential with the changes, if they may be made, and the secret that it is given.
fn changed(
    change: &RegistryCredentialChangeRequest,
    current: &RegistryCredentialRecord,
    now: Timestamp,
) -> Result<(RegistryCredentialRecord, Option<Secret>), Refusal> {
    let (key, mut invalid) = ((current.organization, current.id), InvalidFields::default());
    let record = applied(change, Some(current), key, now, &mut invalid);
    let secret = new_secret(change, &mut invalid);
    let record = invalid.complete(record)?;
    let target = [
        ("registry_type", kind(current) != kind(&record)),
        ("registry_url", current.registry_url != record.registry_url),
        ("username", current.username != record.username),
    ];
    let target = target.into_iter().filter(|(_, differs)| *differs);
    let target: Vec<_> = target.map(|(field, _)| field).collect();
    if !target.is_empty() && secret.is_none() {
        let fields = target.join(" and ");
        let problem = format!(
            "must come with a change of {fields}: a kept password is not sent to a new address"
        );
        return Err(Refusal::field(SECRET_FIELD, problem));
    }
    Ok((record, secret))
}

fn kind(record: &RegistryCredentialRecord) -> RegistryType {
    record.registry_type.registry_type()
}

/// A client that sends back what it was shown sends the mask.
fn new_secret(
    change: &RegistryCredentialChangeRequest,
    invalid: &mut InvalidFields,
) -> Option<Secret> {
    let secret = given_secret(
        change.encrypted_credential.as_ref(),
        change.password.as_ref(),
        invalid,
    );
    let secret = secret.filter(|secret| secret.expose() != MASKED_SECRET)?;
    checked_secret(SECRET_FIELD, Some(secret), invalid)
}
