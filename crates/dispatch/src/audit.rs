//! Audit events of runners and operations, with the time and an id filled in.

use std::fmt::Display;
use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AuditEventId, OrganizationId, ServerId};
use reoclo_store::{Actor, AuditOutcome, NewAuditEvent, RequestSource, Resource, Store};
use serde_json::Value;

use crate::Dispatcher;

/// What an event says besides who, where and when.
pub(crate) struct Draft {
    pub(crate) action: &'static str,
    pub(crate) resource: Resource,
    pub(crate) outcome: AuditOutcome,
    pub(crate) detail: Value,
}

impl Dispatcher {
    pub(crate) fn event(
        &self,
        organization: OrganizationId,
        actor: Actor,
        source: RequestSource,
        draft: Draft,
    ) -> NewAuditEvent {
        NewAuditEvent {
            id: AuditEventId::new(self.clock(), self.entropy()),
            organization: Some(organization),
            at: self.now(),
            actor,
            source,
            action: draft.action,
            resource: draft.resource,
            outcome: draft.outcome,
            detail: draft.detail,
        }
    }
}

pub(crate) fn resource(kind: &'static str, id: impl Display, name: Option<&str>) -> Resource {
    Resource {
        kind,
        id: Some(id.to_string()),
        name: name.map(str::to_owned),
    }
}

/// What a server is called now, also one that was removed. That it cannot be told keeps nothing
/// from being recorded.
#[boxed]
pub async fn server_called(
    store: &Store,
    organization: OrganizationId,
    server: ServerId,
) -> Option<Arc<str>> {
    let in_use = store.server_name(organization, server).await;
    if let Some(name) = in_use.ok().flatten() {
        return Some(name);
    }
    let any = store.server(organization, server).await;
    any.ok().flatten().map(|found| Arc::from(found.name))
}
