//! A runner's program that could not be replaced.

use reoclo_store::{Actor, ActorKind, AuditOutcome, RequestSource, RunnerIdentity};
use reoclo_wire::handshake::UpgradeFailure;
use serde_json::json;

use super::fact;
use crate::Control;
use crate::audit::{Happening, resource};

impl Control {
    /// Audits what a runner that proved who it is says of a failed upgrade; it says so once.
    pub async fn note_failed_upgrade(
        &self,
        identity: &RunnerIdentity,
        source: &RequestSource,
        failure: &UpgradeFailure,
    ) {
        let server = identity.server;
        let (version, sha256) = (fact(&failure.version), fact(&failure.sha256));
        let reason = fact(&failure.reason);
        tracing::warn!(%server, version, reason, "a runner could not be upgraded");
        let happening = Happening {
            action: "runner.upgrade_failed",
            resource: resource("server", server, None),
            outcome: AuditOutcome::Failure,
            detail: json!({ "version": version, "sha256": sha256, "reason": reason }),
        };
        let actor = Actor {
            kind: ActorKind::Runner,
            id: Some(server.as_uuid()),
            label: "runner".into(),
        };
        let organization = Some(identity.organization);
        let event = self.event(organization, actor, source.clone(), happening);
        if let Err(error) = self.store().append_audit(vec![event]).await {
            tracing::error!(%server, %error, "a failed upgrade was not audited");
        }
    }
}
