//! Deciding which machine a server is, when two claim to be it.

use async_recursion::async_recursion as boxed;
use reoclo_store::AuditOutcome;
use serde_json::json;

use super::Servers;
use crate::audit::{AuditedAction, resource};
use crate::{Authorized, OrganizationManage, Refusal};

impl Servers<'_> {
    /// An admin's decision which machine a server is. The others are told that they are not, and
    /// their runners end.
    #[boxed]
    pub async fn choose_machine(
        &self,
        proof: &Authorized<OrganizationManage>,
        reference: &str,
        machine: &str,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let server = self.find(caller.organization(), reference).await?;
        if !self.dispatcher.runners().is_in_conflict(server.id, machine) {
            return Err(Refusal::Conflict(
                "no such machine claims to be this server now: read the server again".into(),
            ));
        }
        let audited = AuditedAction {
            action: "server.choose_machine",
            resource: resource("server", server.id, Some(&server.name)),
            outcome: AuditOutcome::Success,
            detail: json!({ "machine": machine }),
        };
        let event = self.core.event_by(caller, audited);
        let written = self.core.store().append_audit(vec![event]).await;
        written.map_err(Refusal::of_write)?;
        self.dispatcher
            .runners()
            .choose_machine(server.id, machine)
            .await;
        Ok(())
    }
}
