//! Decommissioning a server.

use reoclo_domain::ServerStatus;
use reoclo_store::{AuditOutcome, Edit, ServerRecord};
use serde_json::json;

use crate::audit::{Happening, resource};
use crate::edit::settled;
use crate::{Authorized, Control, Refusal, ServersWrite};

impl Control {
    /// Removes a server from the caller's organization: its runner's identity is dead before this
    /// returns, and its runner is told and ends.
    pub async fn decommission_server(
        &self,
        proof: &Authorized<ServersWrite>,
        reference: &str,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let server = self.find_server(organization, reference).await?.id;
        let (control, caller, at) = (self.clone(), caller.clone(), self.now());
        let rule = move |before: &ServerRecord| -> Result<_, Refusal> {
            let mut record = before.clone();
            if before.status == ServerStatus::Active {
                record.last_seen_at = Some(at);
            }
            record.status = ServerStatus::Decommissioned;
            let happening = Happening {
                action: "server.decommission",
                resource: resource("server", before.id, Some(&before.name)),
                outcome: AuditOutcome::Success,
                detail: json!({ "slug": before.slug }),
            };
            let events = vec![control.event_by(&caller, happening)];
            Ok(Edit { record, events })
        };
        let removed = self.store().edit_server(organization, server, rule).await;
        settled(removed, "the server")?;
        self.runners().dismiss(server);
        Ok(())
    }
}
