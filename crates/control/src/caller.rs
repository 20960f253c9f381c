//! Who is calling.

use std::sync::Arc;

use reoclo_domain::{Acl, AutomationKeyId, Cell, IntegrationKeyId, KeyKind, OrganizationId};
use reoclo_store::{
    Actor, ActorKind, AutomationKeyRecord, IntegrationKeyRecord, KeyRecord, KeyRef, RequestSource,
};

use crate::refused_use::KnownKey;

/// An authenticated caller, within one organization.
#[derive(Clone, Debug)]
pub struct Caller {
    organization: OrganizationId,
    principal: Principal,
    source: RequestSource,
}

/// The key that was presented, with the power that it has now.
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
        }
    }

    pub(crate) fn automation(
        record: Arc<KeyRecord>,
        key: &AutomationKeyRecord,
        source: RequestSource,
    ) -> Self {
        let (organization, id) = (key.organization, key.id);
        Self {
            organization,
            principal: Principal::AutomationKey(record, id),
            source,
        }
    }

    /// The organization that everything the caller sees belongs to.
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The key that was presented.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Where the request came from.
    pub const fn source(&self) -> &RequestSource {
        &self.source
    }

    /// The kind of key that was presented.
    pub const fn key_kind(&self) -> KeyKind {
        match self.principal {
            Principal::IntegrationKey { .. } => KeyKind::Integration,
            Principal::AutomationKey(..) => KeyKind::Automation,
        }
    }

    /// Whether the caller has a cell of the ACL at this moment; an automation key has none.
    pub fn may(&self, cell: Cell) -> bool {
        match &self.principal {
            Principal::IntegrationKey { effective, .. } => effective.contains(cell),
            Principal::AutomationKey(..) => false,
        }
    }

    pub(crate) fn automation_key(&self) -> Option<&AutomationKeyRecord> {
        match &self.principal {
            Principal::AutomationKey(record, _) => match &**record {
                KeyRecord::Automation(key) => Some(key),
                KeyRecord::Integration(_) => None,
            },
            Principal::IntegrationKey { .. } => None,
        }
    }

    pub(crate) fn known_key(&self) -> KnownKey<'_> {
        let (key, record) = match &self.principal {
            Principal::IntegrationKey { id, record, .. } => (KeyRef::Integration(*id), record),
            Principal::AutomationKey(record, id) => (KeyRef::Automation(*id), record),
        };
        KnownKey {
            organization: self.organization,
            key,
            label: record.label(),
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
        }
    }
}
