//! Who is calling.

use std::sync::Arc;

use reoclo_domain::{
    Acl, AutomationKeyId, Cell, IntegrationKeyId, KeyKind, OrganizationId, PlainToken, Role,
    Secret, SessionId, Timestamp, UserId,
};
use reoclo_store::{
    Actor, ActorKind, AutomationKeyRecord, IntegrationKeyRecord, KeyRecord, KeyRef, RequestSource,
    SessionRecord,
};

use crate::holder::{Holder, KnownHolder};
use crate::{Asked, CredentialKind};

/// An authenticated caller, within one organization: what one look at the credential found, so
/// that everything which is proven of a request is proven of the same role.
#[derive(Clone, Debug)]
pub struct Caller {
    organization: OrganizationId,
    principal: Principal,
    source: RequestSource,
    asked: Asked,
    /// The request was counted, where it shows a key that has a rate limit.
    is_counted: bool,
}

/// What was presented, with the power that it has now.
#[derive(Clone, Debug)]
pub enum Principal {
    /// An integration key and its ACL within its creator's role at this moment.
    IntegrationKey {
        /// The key's id.
        id: IntegrationKeyId,
        /// The key.
        record: Arc<KeyRecord>,
        /// ACL ∩ role.
        effective: Acl,
    },
    /// An automation key; the record carries its scope.
    AutomationKey(Arc<KeyRecord>, AutomationKeyId),
    /// A signed-in person.
    Person(Person),
}

/// A signed-in person, as a member of the session's organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who it is.
    pub user: UserId,
    /// The address that they sign in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role now.
    pub role: Role,
    /// The session.
    pub session: SessionId,
    /// They may create organizations.
    pub may_create_organizations: bool,
    /// Nothing but their own session is theirs until they have chosen a password.
    pub must_change_password: bool,
    /// When the session is over at the latest.
    pub expires_at: Timestamp,
    /// What a request that changes something shows.
    pub csrf_token: Secret,
}

impl Caller {
    pub(crate) fn integration(
        record: Arc<KeyRecord>,
        key: &IntegrationKeyRecord,
        effective: Acl,
        source: RequestSource,
    ) -> Self {
        let (organization, id) = (key.organization, key.id);
        Self {
            organization,
            principal: Principal::IntegrationKey {
                id,
                record,
                effective,
            },
            source,
            asked: Asked::default(),
            is_counted: true,
        }
    }

    /// An automation key; a use that counts is proven only of one that was counted.
    pub(crate) fn automation(
        record: Arc<KeyRecord>,
        key: &AutomationKeyRecord,
        source: RequestSource,
        is_counted: bool,
    ) -> Self {
        let (organization, id) = (key.organization, key.id);
        Self {
            organization,
            principal: Principal::AutomationKey(record, id),
            source,
            asked: Asked::default(),
            is_counted,
        }
    }

    /// The person of a session, who shows it by this token.
    pub(crate) fn person_of(
        session: SessionRecord,
        role: Role,
        token: &PlainToken,
        source: RequestSource,
    ) -> Self {
        Self {
            organization: session.organization,
            principal: Principal::Person(Person {
                user: session.user,
                email: session.email,
                name: session.name,
                role,
                session: session.id,
                may_create_organizations: session.may_create_organizations,
                must_change_password: session.must_change_password,
                expires_at: session.expires_at,
                csrf_token: token.csrf_token(),
            }),
            source,
            asked: Asked::default(),
            is_counted: true,
        }
    }

    /// The same caller, who asks for this.
    pub(crate) fn asking(self, asked: Asked) -> Self {
        Self { asked, ..self }
    }

    /// Whether the request counts already, or need not.
    pub(crate) const fn is_counted(&self) -> bool {
        self.is_counted
    }

    /// What the request asks for.
    pub(crate) const fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The organization that everything the caller sees belongs to.
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// What was presented.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where the request came from.
    pub const fn source(&self) -> &RequestSource {
        &self.source
    }

    /// The kind of credential that was presented.
    pub const fn credential_kind(&self) -> CredentialKind {
        match self.principal {
            Principal::IntegrationKey { .. } => CredentialKind::Key(KeyKind::Integration),
            Principal::AutomationKey(..) => CredentialKind::Key(KeyKind::Automation),
            Principal::Person(_) => CredentialKind::Session,
        }
    }

    /// The person, where one is signed in.
    pub const fn person(&self) -> Option<&Person> {
        match &self.principal {
            Principal::Person(person) => Some(person),
            Principal::IntegrationKey { .. } | Principal::AutomationKey(..) => None,
        }
    }

    /// Whether the caller has a cell of the ACL at this moment; an automation key has none.
    pub fn may(&self, cell: Cell) -> bool {
        match &self.principal {
            Principal::IntegrationKey { effective, .. } => effective.contains(cell),
            Principal::AutomationKey(..) => false,
            Principal::Person(person) => person.role.acl().contains(cell),
        }
    }

    pub(crate) fn automation_key(&self) -> Option<&AutomationKeyRecord> {
        match &self.principal {
            Principal::AutomationKey(record, _) => match &**record {
                KeyRecord::Automation(key) => Some(key),
                KeyRecord::Integration(_) => None,
            },
            Principal::IntegrationKey { .. } | Principal::Person(_) => None,
        }
    }

    pub(crate) fn known_holder(&self) -> KnownHolder<'_> {
        let (holder, label) = match &self.principal {
            Principal::IntegrationKey { id, record, .. } => {
                (Holder::Key(KeyRef::Integration(*id)), record.label())
            }
            Principal::AutomationKey(record, id) => {
                (Holder::Key(KeyRef::Automation(*id)), record.label())
            }
            Principal::Person(person) => (Holder::Person(person.user), person.email.as_str()),
        };
        KnownHolder {
            organization: self.organization,
            holder,
            label,
        }
    }

    pub(crate) fn actor(&self) -> Actor {
        match &self.principal {
            Principal::IntegrationKey { id, record, .. } => Actor {
                kind: ActorKind::IntegrationKey,
                id: Some(id.as_uuid()),
                label: record.label().to_owned(),
            },
            Principal::AutomationKey(record, id) => Actor {
                kind: ActorKind::AutomationKey,
                id: Some(id.as_uuid()),
                label: record.label().to_owned(),
            },
            Principal::Person(person) => Actor {
                kind: ActorKind::User,
                id: Some(person.user.as_uuid()),
                label: person.email.clone(),
            },
        }
    }
}
