//! Looking through what is stored already for what would be masked today.

use async_recursion::async_recursion as boxed;
use reoclo_domain::OperationId;
use reoclo_store::{AuditOutcome, AuditPlace, MaskedOperations, UnmaskedRows};
use serde_json::json;

use super::Operations;
use crate::audit::{AuditedAction, resource};
use crate::{LocalOwner, Refusal};

impl Operations<'_> {
    /// Looks at some stored operations behind `after`, and with `apply` masks them.
    #[boxed]
    pub async fn mask_stored(
        &self,
        _owner: &LocalOwner,
        after: Option<OperationId>,
        apply: bool,
    ) -> Result<MaskedOperations, Refusal> {
        if apply && after.is_none() {
            // Before the first is changed: from here on the records are not what they were.
            self.audit_masking().await?;
        }
        Ok(self.core.store().mask_operations(after, apply).await?)
    }

    /// Looks at some rows of the audit log behind `after`; they stay as they are.
    #[boxed]
    pub async fn unmasked_audit_rows(
        &self,
        _owner: &LocalOwner,
        after: Option<&AuditPlace>,
    ) -> Result<UnmaskedRows, Refusal> {
        Ok(self.core.store().unmasked_audit_rows(after).await?)
    }

    async fn audit_masking(self) -> Result<(), Refusal> {
        let audited = AuditedAction {
            action: "operations.mask",
            resource: resource("instance", "operations", None),
            outcome: AuditOutcome::Intent,
            detail: json!({ "by": "reoclo admin mask-stored" }),
        };
        let event = self.core.event_by_system(None, audited);
        self.core
            .store()
            .append_audit(vec![event])
            .await
            .map_err(Refusal::of_write)
    }
}
