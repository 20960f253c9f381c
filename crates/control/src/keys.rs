//! Managing keys, which only people do (rules 2 to 4).
//!
//! Developers see and manage the integration keys that they made; managers and admins all of
//! them, and the automation keys.

mod active;
mod cells;
mod create_automation;
mod create_integration;
mod describe;
mod duplicate;
mod expiry;
mod lifetime;
mod list;
mod mint;
mod people;
mod replace;
mod revoke;
mod show;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{
    Acl, AutomationKeyId, IntegrationKeyId, KeyKind, KeyStatus, MaximumLifetime, ParseIdError,
    PlainToken, Role,
};
use reoclo_store::{KeyCreator, KeyDetails, KeyKin, KeyRecord, KeyRef};

use crate::caller::Person;
use crate::core::Core;
use crate::{
    Authorized, AutomationKeysManage, CredentialKind, IntegrationKeysManage, Permission, Refusal,
};
pub use active::ActiveKeyOverview;
pub use create_automation::NewAutomationKeyForm;
pub use create_integration::NewIntegrationKeyForm;
pub(crate) use describe::describe;
pub(crate) use expiry::EXPIRY_NOTICE;
pub use list::{KeyList, KeyListRequest};
pub use people::{KeyPerson, KeyPersonPlace};
pub use show::ShownKey;

/// A permission to manage the keys of one kind.
pub trait ManagesKeys: Permission {
    /// The kind.
    const KIND: KeyKind;

    /// The key of that kind with this id.
    fn key(id: &str) -> Result<KeyRef, ParseIdError>;
}

impl ManagesKeys for IntegrationKeysManage {
    const KIND: KeyKind = KeyKind::Integration;

    fn key(id: &str) -> Result<KeyRef, ParseIdError> {
        id.parse::<IntegrationKeyId>().map(KeyRef::Integration)
    }
}

impl ManagesKeys for AutomationKeysManage {
    const KIND: KeyKind = KeyKind::Automation;

    fn key(id: &str) -> Result<KeyRef, ParseIdError> {
        id.parse::<AutomationKeyId>().map(KeyRef::Automation)
    }
}

/// A key as people manage it, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedKey {
    /// The key.
    pub key: KeyRecord,
    /// Who made it.
    pub creator: KeyCreator,
    /// When and from where it was used last.
    pub last_use: Option<reoclo_store::LastUse>,
    /// The keys that it came from, and that stands in for it.
    pub kin: KeyKin,
    /// Its status.
    pub status: KeyStatus,
    /// It is active and expires within 14 days.
    pub expires_soon: bool,
    /// It is active and lives longer than the organization allows new keys to.
    pub exceeds_maximum_lifetime: bool,
    /// What an integration key may do within its creator's role.
    pub effective: Acl,
}

/// A key that was just made, with its token; this is the only time that it is known.
#[derive(Debug)]
pub struct MintedKey {
    /// The key.
    pub key: ManagedKey,
    /// Its token.
    pub token: PlainToken,
}

/// Managing keys.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'c>(pub(crate) &'c Core);

impl Keys<'_> {
    /// The key as it is now.
    fn managed(self, details: KeyDetails, maximum: Option<MaximumLifetime>) -> ManagedKey {
        let KeyDetails {
            key,
            creator,
            last_use,
            kin,
        } = details;
        let (life, now) = (key.life(), self.0.now());
        let status = life.status(now);
        let is_too_long = maximum.is_some_and(|most| !most.allows(life.length(key.created_at())));
        ManagedKey {
            status,
            expires_soon: life.ends_within(EXPIRY_NOTICE, now),
            exceeds_maximum_lifetime: status == KeyStatus::Active && is_too_long,
            effective: effective(&key, creator.role),
            key,
            creator,
            last_use,
            kin,
        }
    }

    /// One key that the caller may manage; every other is not found.
    async fn find<P: ManagesKeys>(
        self,
        proof: &Authorized<P>,
        key: KeyRef,
    ) -> Result<ManagedKey, Refusal> {
        let organization = proof.caller().organization();
        let found = self.0.store().key_details(organization, key).await?;
        let person = person(proof)?;
        let found = found.filter(|found| manages_all::<P>(person) || is_by(found, person));
        let found = found.ok_or(Refusal::NotFound("the key"))?;
        let maximum = self.maximum_lifetime(proof).await?;
        Ok(self.managed(found, maximum))
    }

    /// The key that this form of a page has made.
    #[boxed]
    pub async fn of_form<P: ManagesKeys>(
        &self,
        proof: &Authorized<P>,
        form: &str,
    ) -> Result<Option<ManagedKey>, Refusal> {
        let organization = proof.caller().organization();
        match self
            .0
            .store()
            .key_of_form(organization, P::KIND, form)
            .await?
        {
            Some(key) => self.find(proof, key).await.map(Some),
            None => Ok(None),
        }
    }

    /// The longest life that the organization allows new keys.
    async fn maximum_lifetime<P>(
        self,
        proof: &Authorized<P>,
    ) -> Result<Option<MaximumLifetime>, Refusal> {
        let organization = proof.caller().organization();
        let found = self.0.store().organization(organization).await?;
        let found = found.ok_or(Refusal::NotFound("the organization"))?;
        Ok(found.max_key_lifetime_days.map(MaximumLifetime::of_days))
    }
}

/// What an integration key may do with its creator in this role.
fn effective(key: &KeyRecord, role: Option<Role>) -> Acl {
    match (key, role) {
        (KeyRecord::Integration(key), Some(role)) => key.preset.acl().intersect(role.acl()),
        _ => Acl::empty(),
    }
}

/// The person who was checked. Whoever manages keys is one.
fn person<P>(proof: &Authorized<P>) -> Result<&Person, Refusal> {
    proof.caller().person().ok_or(Refusal::WrongKeyType {
        needed: CredentialKind::Session,
    })
}

/// Whether the person manages the keys of that kind whoever made them.
fn manages_all<P: ManagesKeys>(person: &Person) -> bool {
    match P::KIND {
        KeyKind::Integration => person.role >= Role::Manager,
        KeyKind::Automation => true,
    }
}

fn is_by(details: &KeyDetails, person: &Person) -> bool {
    details.creator.id == person.user
}
