//! API keys of both kinds.

mod active;
mod create;
mod details;
mod expire;
mod find;
mod list;
mod origin;
mod replace;
mod revoke;
mod row;
mod uses;

pub use active::{ActiveKeyQuery, ActiveKeys};
pub use details::{KeyCreator, KeyDetails, LastUse};
pub(crate) use find::load_all;
pub use list::KeyQuery;
pub use origin::{KeyKin, KeyOrigin, KeyRelative};
pub use revoke::Revoked;
pub use uses::{AddressUsage, KEPT_USE_DAYS, KeyUse, MAX_ADDRESSES_A_DAY};

use reoclo_domain::{
    AddressSourceId, Allowlist, AutomationKeyId, AutomationScope, IntegrationKeyId, KeyKind,
    KeyLife, OrganizationId, Preset, Timestamp, TokenHash, UserId,
};
use uuid::Uuid;

/// An integration key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationKeyRecord {
    /// Its id.
    pub id: IntegrationKeyId,
    /// The organization whose resources it reaches.
    pub organization: OrganizationId,
    /// What its creator calls it.
    pub label: String,
    /// The first characters of the token.
    pub prefix: String,
    /// Its permissions, by name.
    pub preset: Preset,
    /// Whose role bounds it.
    pub creator: UserId,
    /// When it ends.
    pub life: KeyLife,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An automation key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomationKeyRecord {
    /// Its id.
    pub id: AutomationKeyId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// What its creator calls it.
    pub name: String,
    /// The first characters of the token.
    pub prefix: String,
    /// What it may do, and where.
    pub scope: AutomationScope,
    /// Where it may be used from; empty, and without published lists, is everywhere.
    pub ip_allowlist: Allowlist,
    /// Published lists of networks that it may be used from as well.
    pub allowlist_sources: Vec<AddressSourceId>,
    /// Accepted requests in any 60 seconds.
    pub rate_limit_per_minute: u32,
    /// Who made it.
    pub creator: UserId,
    /// When it ends.
    pub life: KeyLife,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A key of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRecord {
    /// `rk_t_…`.
    Integration(IntegrationKeyRecord),
    /// `rca_…`.
    Automation(AutomationKeyRecord),
}

/// A key to create, with the hash of its token.
#[derive(Clone, Debug)]
pub enum NewKey {
    /// `rk_t_…`.
    Integration(IntegrationKeyRecord, TokenHash),
    /// `rca_…`.
    Automation(AutomationKeyRecord, TokenHash),
}

/// The id of a key of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyRef {
    /// An integration key.
    Integration(IntegrationKeyId),
    /// An automation key.
    Automation(AutomationKeyId),
}

impl KeyRecord {
    /// The organization that the key works in.
    pub fn organization(&self) -> OrganizationId {
        match self {
            Self::Integration(key) => key.organization,
            Self::Automation(key) => key.organization,
        }
    }

    /// When the key ends.
    pub fn life(&self) -> KeyLife {
        match self {
            Self::Integration(key) => key.life,
            Self::Automation(key) => key.life,
        }
    }

    pub(crate) fn life_mut(&mut self) -> &mut KeyLife {
        match self {
            Self::Integration(key) => &mut key.life,
            Self::Automation(key) => &mut key.life,
        }
    }

    /// The first characters of the token.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Integration(key) => &key.prefix,
            Self::Automation(key) => &key.prefix,
        }
    }

    /// What people call the key.
    pub fn label(&self) -> &str {
        match self {
            Self::Integration(key) => &key.label,
            Self::Automation(key) => &key.name,
        }
    }

    /// Who made the key.
    pub fn creator(&self) -> UserId {
        match self {
            Self::Integration(key) => key.creator,
            Self::Automation(key) => key.creator,
        }
    }

    /// When the key was created.
    pub fn created_at(&self) -> Timestamp {
        match self {
            Self::Integration(key) => key.created_at,
            Self::Automation(key) => key.created_at,
        }
    }

    /// Which kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.key_ref().kind()
    }

    /// The key's id.
    pub fn key_ref(&self) -> KeyRef {
        match self {
            Self::Integration(key) => KeyRef::Integration(key.id),
            Self::Automation(key) => KeyRef::Automation(key.id),
        }
    }
}

impl KeyRef {
    /// Which kind of key it is.
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Integration(_) => KeyKind::Integration,
            Self::Automation(_) => KeyKind::Automation,
        }
    }

    /// The id as a UUID.
    pub const fn as_uuid(self) -> Uuid {
        match self {
            Self::Integration(id) => id.as_uuid(),
            Self::Automation(id) => id.as_uuid(),
        }
    }
}
