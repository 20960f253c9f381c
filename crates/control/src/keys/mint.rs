//! New keys: an id, a token, and a place in the store with its audit row.

use std::time::Duration;

use reoclo_domain::{
    AddressSourceId, AllowlistEntry, AutomationKeyId, AutomationScope, IntegrationKeyId, KeyLife,
    MaximumLifetime, PlainToken, Preset, TokenKind,
};
use reoclo_store::{
    AuditOutcome, AutomationKeyRecord, IntegrationKeyRecord, KeyCreator, KeyDetails, KeyKin,
    KeyOrigin, KeyRecord, NewAuditEvent, NewKey,
};
use serde_json::Value;

use super::{Keys, MintedKey, describe};
use crate::audit::{AuditedAction, resource};
use crate::caller::Person;
use crate::once::marked;
use crate::{Caller, Refusal};

/// What a new key is to be, whoever makes it.
#[derive(Clone, Debug)]
pub(super) struct Blueprint {
    pub(super) label: String,
    pub(super) lifetime: Option<Duration>,
    pub(super) power: Power,
}

/// What a new key may do.
#[derive(Clone, Debug)]
pub(super) enum Power {
    Integration(Preset),
    Automation {
        scope: AutomationScope,
        ip_allowlist: Vec<AllowlistEntry>,
        allowlist_sources: Vec<AddressSourceId>,
        rate_limit_per_minute: u32,
    },
}

/// A key with its token, on its way into the store.
#[derive(Debug)]
pub(super) struct Forged {
    pub(super) record: KeyRecord,
    pub(super) token: PlainToken,
}

impl Forged {
    pub(super) fn to_store(&self) -> NewKey {
        let hash = self.token.hash();
        match self.record.clone() {
            KeyRecord::Integration(key) => NewKey::Integration(key, hash),
            KeyRecord::Automation(key) => NewKey::Automation(key, hash),
        }
    }
}

impl Keys<'_> {
    /// Stores a new key of the caller.
    pub(super) async fn create(
        self,
        caller: &Caller,
        person: &Person,
        blueprint: Blueprint,
        maximum: Option<MaximumLifetime>,
        form: Option<String>,
    ) -> Result<MintedKey, Refusal> {
        let forged = self.forge(caller, person, blueprint);
        let detail = describe(&forged.record);
        let event = self.event(caller, "key.create", &forged.record, detail);
        let origin = KeyOrigin {
            form: marked(form),
            ..KeyOrigin::default()
        };
        let created = self
            .0
            .store()
            .create_key_from(forged.to_store(), origin, vec![event]);
        created.await.map_err(Refusal::of_write)?;
        Ok(self.minted(forged, person, maximum))
    }

    /// Something that a person did to a key.
    pub(super) fn event(
        self,
        caller: &Caller,
        action: &'static str,
        key: &KeyRecord,
        detail: Value,
    ) -> NewAuditEvent {
        let id = key.key_ref().as_uuid();
        let audited = AuditedAction {
            action,
            resource: resource(key.kind().as_str(), id, Some(key.label())),
            outcome: AuditOutcome::Success,
            detail,
        };
        self.0.event_by(caller, audited)
    }

    /// What the person is told of the key that they made.
    pub(super) fn minted(
        self,
        forged: Forged,
        person: &Person,
        maximum: Option<MaximumLifetime>,
    ) -> MintedKey {
        let creator = KeyCreator {
            id: person.user,
            email: Some(person.email.clone()),
            name: Some(person.name.clone()),
            role: Some(person.role),
        };
        let details = KeyDetails {
            key: forged.record,
            creator,
            last_use: None,
            kin: KeyKin::default(),
        };
        MintedKey {
            key: self.managed(details, maximum),
            token: forged.token,
        }
    }

    /// Makes the key that is described, with a token of its own.
    pub(super) fn forge(self, caller: &Caller, person: &Person, blueprint: Blueprint) -> Forged {
        let Blueprint {
            label,
            lifetime,
            power,
        } = blueprint;
        let token = PlainToken::generate(power.token_kind(), self.0.entropy());
        let prefix = token.display_prefix().to_owned();
        let (organization, creator, created_at) =
            (caller.organization(), person.user, self.0.now());
        let life = KeyLife::new(created_at, lifetime);
        let record = match power {
            Power::Integration(preset) => KeyRecord::Integration(IntegrationKeyRecord {
                id: IntegrationKeyId::new(self.0.clock(), self.0.entropy()),
                organization,
                label,
                prefix,
                preset,
                creator,
                life,
                created_at,
            }),
            Power::Automation {
                scope,
                ip_allowlist,
                allowlist_sources,
                rate_limit_per_minute,
            } => KeyRecord::Automation(AutomationKeyRecord {
                id: AutomationKeyId::new(self.0.clock(), self.0.entropy()),
                organization,
                name: label,
                prefix,
                scope,
                ip_allowlist: ip_allowlist
                    .into_iter()
                    .map(AllowlistEntry::network)
                    .collect(),
                allowlist_sources,
                rate_limit_per_minute,
                creator,
                life,
                created_at,
            }),
        };
        Forged { record, token }
    }
}

impl Power {
    const fn token_kind(&self) -> TokenKind {
        match self {
            Self::Integration(_) => TokenKind::Integration,
            Self::Automation { .. } => TokenKind::Automation,
        }
    }
}
