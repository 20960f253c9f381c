//! A runner's program that could not be replaced.

use async_recursion::async_recursion as boxed;
use reoclo_store::{AuditOutcome, RequestSource, RunnerIdentity};
use reoclo_wire::handshake::UpgradeFailure;
use serde_json::json;

use super::{Runners, fact};

impl Runners<'_> {
    /// Audits what a runner that proved who it is says of a failed upgrade; it says so once.
    #[boxed]
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
        let what = ("runner.upgrade_failed", AuditOutcome::Failure);
        let detail = json!({ "version": version, "sha256": sha256, "reason": reason });
        if let Err(error) = self.0.audit_runner(identity, source, what, detail).await {
            tracing::error!(%server, %error, "a failed upgrade was not audited");
        }
    }
}
