//! What runners did, in the audit log: by their servers' names.

use std::sync::Arc;

use reoclo_domain::{OrganizationId, ServerId};
use reoclo_store::{Actor, ActorKind, AuditOutcome, RequestSource, RunnerIdentity, StoreError};
use serde_json::Value;

use crate::Control;
use crate::audit::{Happening, resource};

impl Control {
    /// Audits something that the runner of a server did or met.
    pub(super) async fn audit_runner(
        &self,
        identity: &RunnerIdentity,
        source: &RequestSource,
        (action, outcome): (&'static str, AuditOutcome),
        detail: Value,
    ) -> Result<(), StoreError> {
        let (organization, server) = (identity.organization, identity.server);
        let name = self.server_called(organization, server).await;
        let happening = Happening {
            action,
            resource: resource("server", server, name.as_deref()),
            outcome,
            detail,
        };
        let actor = Actor {
            kind: ActorKind::Runner,
            id: Some(server.as_uuid()),
            label: name.as_deref().unwrap_or("runner").to_owned(),
        };
        let event = self.event(Some(organization), actor, source.clone(), happening);
        self.store().append_audit(vec![event]).await
    }

    /// What a server is called now. That it cannot be told keeps nothing from being recorded.
    pub(crate) async fn server_called(
        &self,
        organization: OrganizationId,
        server: ServerId,
    ) -> Option<Arc<str>> {
        let in_use = self.store().server_name(organization, server).await;
        if let Some(name) = in_use.ok().flatten() {
            return Some(name);
        }
        let any = self.store().server(organization, server).await;
        any.ok().flatten().map(|found| Arc::from(found.name))
    }
}
