//! Writing an organization's audit log out.

use async_recursion::async_recursion as boxed;
use reoclo_store::{AuditExport, AuditOutcome, Resource, StoreError};
use serde_json::json;

use super::AuditLogs;
use crate::audit::AuditedAction;
use crate::{AuditLogsRead, Authorized, Refusal};

/// An organization's audit log as JSON lines, ending with a signed checkpoint.
pub struct AuditLogExport(AuditExport);

impl AuditLogs<'_> {
    /// Begins an export of the caller's organization's audit log: every row that there is now,
    /// and none of anybody else's. That it was taken is audited.
    #[boxed]
    pub async fn export(
        &self,
        proof: &Authorized<AuditLogsRead>,
    ) -> Result<AuditLogExport, Refusal> {
        let caller = proof.caller();
        let begun = self.core.store().export_audit(caller.organization()).await;
        let export = begun.map_err(|error| match error {
            StoreError::Corrupt(_) => Refusal::Conflict(
                "the end of the audit log is not what was written, so no checkpoint of it is \
                 signed: verify the chain, and export it on the control plane with `reoclo audit \
                 export` from a copy that is whole"
                    .into(),
            ),
            error => error.into(),
        })?;
        let audited = AuditedAction {
            action: "audit_log.export",
            resource: own_log(),
            outcome: AuditOutcome::Success,
            detail: json!({ "rows": export.checkpoint().seq }),
        };
        let event = self.core.event_by(caller, audited);
        let audited = self.core.store().append_audit(vec![event]).await;
        audited.map_err(Refusal::of_write)?;
        Ok(AuditLogExport(export))
    }
}

impl AuditLogExport {
    /// The number of the last row in it.
    pub const fn last(&self) -> i64 {
        self.0.checkpoint().seq
    }

    /// The next lines; none at the end. What fails here leaves an export without a checkpoint.
    #[boxed]
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(self.0.next().await?)
    }
}

/// The organization's audit log as what something was done with.
pub(super) const fn own_log() -> Resource {
    Resource {
        kind: "audit_log",
        id: None,
        name: None,
    }
}
