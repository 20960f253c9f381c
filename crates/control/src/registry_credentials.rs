//! Registry credentials: what servers log in to container registries with.

mod challenge;
mod registry_api;
mod test_connection;

use async_recursion::async_recursion as boxed;
use reoclo_api_types::RegistryCredentialChangeRequest as Change;
use reoclo_domain::{
    OrganizationId, RegistryCredentialId, RegistryType, RegistryTypeName, Secret, Timestamp,
};
use reoclo_store::{RegistryCredentialRecord as Record, Revision, Rows, Touched};
use serde_json::json;

use crate::core::Core;
use crate::edit::settled;
use crate::registry_login::{
    MASKED_SECRET, SECRET_FIELD, checked_address, checked_secret, checked_username, given_secret,
};
use crate::{
    Authorized, InvalidFields, Refusal, RegistryCredentialsRead, RegistryCredentialsWrite, Settings,
};
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

impl<'c> RegistryCredentials<'c> {
    fn rows(self) -> Rows<'c, Record, RegistryCredentialId> {
        self.core.store().registry_credentials()
    }

    /// The organization's, by name.
    #[boxed]
    pub async fn list(
        &self,
        proof: &Authorized<RegistryCredentialsRead>,
    ) -> Result<Vec<Record>, Refusal> {
        Ok(self.rows().list(proof.caller().organization()).await?)
    }

    /// One of them.
    #[boxed]
    pub async fn show(
        &self,
        proof: &Authorized<RegistryCredentialsRead>,
        id: RegistryCredentialId,
    ) -> Result<Record, Refusal> {
        let found = self.rows().find(proof.caller().organization(), id).await?;
        found.ok_or(Refusal::NotFound(WHAT))
    }

    /// Keeps one; its secret is sealed and never shown again.
    #[boxed]
    pub async fn create(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        new: impl Into<Change> + Send + 'static,
    ) -> Result<Record, Refusal> {
        let (caller, core, new) = (proof.caller(), self.core, new.into());
        let id = RegistryCredentialId::new(core.clock(), core.entropy());
        let (key, mut invalid) = ((caller.organization(), id), InvalidFields::default());
        let record = applied(&new, None, key, core.now(), &mut invalid);
        let secret = checked_secret(SECRET_FIELD, given(&new, &mut invalid), &mut invalid);
        let (record, secret) = invalid.complete(record.zip(secret))?;
        let detail = json!({
            "registry_type": record.registry_type.registry_type().as_str(),
            "registry_url": record.registry_url.as_str(),
            "username": record.username,
        });
        let audit = core.audit(caller, "registry_credential.create");
        let audit = audit.with(detail);
        let created = self.rows().create(record.clone(), Some(&secret), audit);
        created.await.map_err(Refusal::of_write)?;
        Ok(record)
    }

    /// Changes one; what is absent stays. Where or as whom it logs in changes only together with
    /// its secret: a kept password never goes to a new address (rule 18).
    #[boxed]
    pub async fn change(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
        change: Change,
    ) -> Result<Record, Refusal> {
        let (caller, now) = (proof.caller(), self.core.now());
        let secret = new_secret(&change, &mut InvalidFields::default());
        let rule = move |current: &Record| Ok(changed(&change, current, now)?.0);
        let audit = self.core.audit(caller, "registry_credential.update");
        let key = (caller.organization(), id);
        let changed = self.rows().change(key, secret.as_ref(), audit, rule).await;
        settled(changed, WHAT)
    }

    /// Removes one. Servers that are logged in with it stay so.
    #[boxed]
    pub async fn remove(
        &self,
        proof: &Authorized<RegistryCredentialsWrite>,
        id: RegistryCredentialId,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let told = |record: &Record| Ok(json!({ "registry_url": record.registry_url.as_str() }));
        let audit = self.core.audit(caller, "registry_credential.delete");
        let key = (caller.organization(), id);
        settled(self.rows().remove(key, audit, told).await, WHAT).map(drop)
    }
}

/// The credential that is asked for: what is there, if it is, with what differs from it. What is
/// wrong is added to `invalid`; what is not asked for anew is not checked anew.
fn applied(
    wanted: &Change,
    current: Option<&Record>,
    (organization, id): (OrganizationId, RegistryCredentialId),
    now: Timestamp,
    invalid: &mut InvalidFields,
) -> Option<Record> {
    let name = match (&wanted.name, current.map(|current| &current.name)) {
        (Some(text), Some(name)) if text.trim() == name.as_str() => Some(name.clone()),
        (Some(text), _) => invalid.parse("name", text),
        (None, name) => name.cloned(),
    };
    let registry_type = match &wanted.registry_type {
        Some(text) => invalid.parse("registry_type", text),
        None => current.map(|current| current.registry_type.clone()),
    };
    let kind = registry_type.as_ref().map(RegistryTypeName::registry_type);
    let registry_url = match (&wanted.registry_url, current) {
        (None, Some(current)) => Some(current.registry_url.clone()),
        (text, _) => checked_address(text.as_deref(), kind, invalid),
    };
    let was = |text: fn(&Record) -> &Option<String>| current.and_then(|was| text(was).as_ref());
    let username = match (&wanted.username, was(|was| &was.username)) {
        (Some(text), was) if Some(text) != was => checked_username(Some(text), invalid),
        (_, was) => was.cloned(),
    };
    let note = match (&wanted.description, was(|was| &was.description)) {
        (Some(text), was) if Some(text) != was => invalid.note(text),
        (_, was) => was.cloned(),
    };
    Some(Record {
        id,
        organization,
        name: name?,
        registry_type: registry_type?,
        registry_url: registry_url?,
        username,
        description: note,
        revision: current.map_or(Revision::FIRST, |current| current.revision),
        created_at: current.map_or(now, |current| current.created_at),
        updated_at: current.map_or(Touched::new(now), |current| current.updated_at),
    })
}

/// The credential with the changes, if they may be made, and the secret that it is given.
fn changed(
    change: &Change,
    current: &Record,
    now: Timestamp,
) -> Result<(Record, Option<Secret>), Refusal> {
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
    let target = target.join(" and ");
    if target.is_empty() || secret.is_some() {
        return Ok((record, secret));
    }
    let problem = format!(
        "must come with a change of {target}: a kept password is not sent to a new address"
    );
    Err(Refusal::field(SECRET_FIELD, problem))
}

fn kind(record: &Record) -> RegistryType {
    record.registry_type.registry_type()
}

/// A client that sends back what it was shown sends the mask.
fn new_secret(change: &Change, invalid: &mut InvalidFields) -> Option<Secret> {
    let secret = given(change, invalid);
    let secret = secret.filter(|secret| secret.expose() != MASKED_SECRET)?;
    checked_secret(SECRET_FIELD, Some(secret), invalid)
}

fn given(change: &Change, invalid: &mut InvalidFields) -> Option<Secret> {
    given_secret(
        change.encrypted_credential.as_ref(),
        change.password.as_ref(),
        invalid,
    )
}
