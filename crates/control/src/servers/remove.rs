//! Decommissioning a server.

use reoclo_store::{AuditOutcome, ServerRecord};
use serde_json::json;

use crate::audit::{Happening, resource};
use crate::{Authorized, Control, Refusal, ServersWrite};

impl Control {
    /// Removes a server from the caller's organization: its runner's identity is dead before this
    /// returns, and its runner is told and ends.
    pub async fn remove_server(
        &self,
        proof: &Authorized<ServersWrite>,
        reference: &str,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let organization = caller.organization();
        let server = self.find_server(organization, reference).await?.id;
        let (control, by) = (self.clone(), caller.clone());
        let told = move |before: &ServerRecord| {
            let happening = Happening {
                action: "server.decommission",
                resource: resource("server", before.id, Some(&before.name)),
                outcome: AuditOutcome::Success,
                detail: json!({ "slug": before.slug }),
            };
            vec![control.event_by(&by, happening)]
        };
        let removed = self
            .store()
            .remove_server(organization, server, self.now(), told);
        if !removed.await? {
            return Err(Refusal::NotFound("the server"));
        }
        self.dispatcher().dismiss(server);
        Ok(())
    }
}
