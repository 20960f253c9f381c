//! Finding one server.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, ServerStatus};
use reoclo_store::ServerRecord;

use super::Servers;
use super::named::server_named;
use crate::{Authorized, Refusal, ServersRead};

impl Servers<'_> {
    /// One server of the caller's organization, by id or slug.
    #[boxed]
    pub async fn show(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
    ) -> Result<ServerRecord, Refusal> {
        self.find(proof.caller().organization(), reference).await
    }

    /// A server in use, by id or slug.
    pub(crate) async fn find(
        self,
        organization: OrganizationId,
        reference: &str,
    ) -> Result<ServerRecord, Refusal> {
        let id = server_named(self.core, organization, reference).await?;
        let found = self.core.store().server(organization, id).await?;
        found
            .filter(|server| server.status != ServerStatus::Decommissioned)
            .ok_or(Refusal::NotFound("the server"))
    }
}
