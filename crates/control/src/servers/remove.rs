//! Decommissioning a server.

use reoclo_domain::ServerStatus;
use reoclo_store::AuditOutcome;
use serde_json::json;

use crate::audit::{Happening, resource};
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
        let server = self.find_server(caller.organization(), reference).await?;
        let happening = Happening {
            action: "server.decommission",
            resource: resource("server", server.id, Some(&server.name)),
            outcome: AuditOutcome::Success,
            detail: json!({ "slug": server.slug }),
        };
        let event = self.event_by(caller, happening);
        let (status, at) = (ServerStatus::Decommissioned, self.now());
        let ended = self
            .store()
            .set_server_status(server.id, status, at, vec![event]);
        ended.await.map_err(Refusal::of_write)?;
        self.runners().dismiss(server.id);
        Ok(())
    }
}
