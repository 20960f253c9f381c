//! Which ports a server listens on.

use async_recursion::async_recursion as boxed;
use reoclo_wire::proto::PortsReply;

use super::Servers;
use crate::{Authorized, Refusal, ServersRead};

impl Servers<'_> {
    /// Asks the runner of a server of the caller's organization to look now.
    #[boxed]
    pub async fn ports(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
    ) -> Result<PortsReply, Refusal> {
        let organization = proof.caller().organization();
        let server = self.find(organization, reference).await?;
        let asked = self.dispatcher.runners().ports(server.id).await;
        asked.map_err(Refusal::from)
    }
}
