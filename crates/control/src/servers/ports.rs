//! Which ports a server listens on.

use reoclo_dispatch::Error;
use reoclo_wire::proto::PortsReply;

use crate::{Authorized, Control, Refusal, ServersRead};

impl Control {
    /// Asks the runner of a server of the caller's organization to look now.
    pub async fn server_ports(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
    ) -> Result<PortsReply, Refusal> {
        let organization = proof.caller().organization();
        let server = self.find_server(organization, reference).await?;
        let asked = self.runners().ports(server.id).await;
        asked.map_err(|error| match error {
            Error::RunnerTooOld { version } => Refusal::Conflict(format!(
                "this server's runner ({version}) cannot list ports: it needs a newer runner"
            )),
            error => error.into(),
        })
    }
}
