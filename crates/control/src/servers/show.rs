//! Finding one server.

use reoclo_domain::{OrganizationId, ServerStatus};
use reoclo_store::ServerRecord;

use crate::{Authorized, Control, Refusal, ServersRead};

impl Control {
    /// One server of the caller's organization, by id or slug.
    pub async fn show_server(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
    ) -> Result<ServerRecord, Refusal> {
        self.find_server(proof.caller().organization(), reference)
            .await
    }

    /// A server in use, by id or slug.
    pub(crate) async fn find_server(
        &self,
        organization: OrganizationId,
        reference: &str,
    ) -> Result<ServerRecord, Refusal> {
        let id = self.server_named(organization, reference).await?;
        let found = self.store().server(organization, id).await?;
        found
            .filter(|server| server.status != ServerStatus::Decommissioned)
            .ok_or(Refusal::NotFound("the server"))
    }
}
