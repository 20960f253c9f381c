//! Events that a transaction completes.

use reoclo_domain::{AuditEventId, OrganizationId, Timestamp};
use serde_json::Value;

use super::{Actor, AuditOutcome, NewAuditEvent, RequestSource, Resource};

/// What the audit log is to be told of a record, but for what only the transaction knows of it:
/// its name as it is, and of a change what differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// The event's id.
    pub id: AuditEventId,
    /// The organization whose chain it goes to; `None` is the instance's.
    pub organization: Option<OrganizationId>,
    /// When it happens.
    pub at: Timestamp,
    /// Who does it.
    pub actor: Actor,
    /// Where the request came from.
    pub source: RequestSource,
    /// What is done: `monitor.create`.
    pub action: &'static str,
    /// Of a new record, what else is worth knowing; never a secret.
    pub detail: Value,
}

impl Audit {
    /// The same with what else is worth knowing of a new record.
    #[must_use]
    pub fn with(self, detail: Value) -> Self {
        Self { detail, ..self }
    }

    /// The event of a record.
    pub(crate) fn of(&self, resource: Resource) -> NewAuditEvent {
        NewAuditEvent {
            id: self.id,
            organization: self.organization,
            at: self.at,
            actor: self.actor.clone(),
            source: self.source.clone(),
            action: self.action,
            resource,
            outcome: AuditOutcome::Success,
            detail: self.detail.clone(),
        }
    }
}
