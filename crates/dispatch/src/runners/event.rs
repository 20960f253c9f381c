//! What runners did, in the audit log: by their servers' names.

use reoclo_store::{Actor, ActorKind, AuditOutcome, RequestSource, RunnerIdentity, StoreError};
use serde_json::Value;

use crate::Dispatcher;
use crate::audit::{Draft, resource, server_called};

impl Dispatcher {
    /// Audits something that the runner of a server did or met.
    pub(crate) async fn audit_runner(
        &self,
        identity: &RunnerIdentity,
        source: &RequestSource,
        (action, outcome): (&'static str, AuditOutcome),
        detail: Value,
    ) -> Result<(), StoreError> {
        let (organization, server) = (identity.organization, identity.server);
        let name = server_called(self.store(), organization, server).await;
        let draft = Draft {
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
        let event = self.event(organization, actor, source.clone(), draft);
        self.store().append_audit(vec![event]).await
    }
}
