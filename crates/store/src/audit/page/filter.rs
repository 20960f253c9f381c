//! What rows of the audit log have in common.

use std::net::IpAddr;

use reoclo_domain::Timestamp;
use uuid::Uuid;

use crate::audit::{ActorKind, AuditOutcome};

/// What rows have in common; `None` is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AuditFilter {
    /// Who did it.
    pub actor: Option<AuditActor>,
    /// The key with which it was done.
    pub key: Option<Uuid>,
    /// What was done: a name, its first part for all that begin with it, or a beginning and `*`.
    pub action: Option<String>,
    /// What kind of thing it was done to.
    pub resource_kind: Option<String>,
    /// That thing's id.
    pub resource_id: Option<String>,
    /// How it ended.
    pub outcome: Option<AuditOutcome>,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The earliest moment.
    pub from: Option<Timestamp>,
    /// The latest moment.
    pub to: Option<Timestamp>,
}

/// An actor, as filters name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AuditActor {
    /// The one with this id.
    Id(Uuid),
    /// One of a kind that has no ids.
    Nameless(ActorKind),
    /// The person with this address now.
    Email(String),
    /// The keys and servers of the organization that are called so now.
    Called(String),
}

impl AuditFilter {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
