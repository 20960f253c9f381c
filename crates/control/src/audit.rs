//! Audit events, with who and where filled in.

use std::fmt::Display;

use reoclo_domain::{AuditEventId, OrganizationId};
use reoclo_store::{Actor, ActorKind, Audit, AuditOutcome, NewAuditEvent, RequestSource, Resource};
use serde_json::{Value, json};

use crate::{Caller, Core};

/// What happened, to what, and how it ended.
pub(crate) struct AuditedAction {
    pub(crate) action: &'static str,
    pub(crate) resource: Resource,
    pub(crate) outcome: AuditOutcome,
    pub(crate) detail: Value,
}

impl Core {
    /// Something that a caller does to a record, which the store completes.
    pub(crate) fn audit(&self, caller: &Caller, action: &'static str) -> Audit {
        Audit {
            id: AuditEventId::new(self.clock(), self.entropy()),
            organization: Some(caller.organization()),
            at: self.now(),
            actor: caller.actor(),
            source: caller.source().clone(),
            action,
            detail: json!({}),
        }
    }

    /// Something that a caller did.
    pub(crate) fn event_by(&self, caller: &Caller, audited: AuditedAction) -> NewAuditEvent {
        let (organization, source) = (Some(caller.organization()), caller.source().clone());
        self.event(organization, caller.actor(), source, audited)
    }

    /// Something that the instance or the owner of its machine did.
    pub(crate) fn event_by_system(
        &self,
        organization: Option<OrganizationId>,
        audited: AuditedAction,
    ) -> NewAuditEvent {
        self.event(
            organization,
            system_actor(),
            RequestSource::default(),
            audited,
        )
    }

    pub(crate) fn event(
        &self,
        organization: Option<OrganizationId>,
        actor: Actor,
        source: RequestSource,
        audited: AuditedAction,
    ) -> NewAuditEvent {
        NewAuditEvent {
            id: AuditEventId::new(self.clock(), self.entropy()),
            organization,
            at: self.now(),
            actor,
            source,
            action: audited.action,
            resource: audited.resource,
            outcome: audited.outcome,
            detail: audited.detail,
        }
    }
}

pub(crate) fn system_actor() -> Actor {
    Actor {
        kind: ActorKind::System,
        id: None,
        label: "reoclo".into(),
    }
}

pub(crate) fn resource(kind: &'static str, id: impl Display, name: Option<&str>) -> Resource {
    Resource {
        kind,
        id: Some(id.to_string()),
        name: name.map(str::to_owned),
    }
}
