//! Which ports a server listens on.

use std::time::Duration;

use reoclo_wire::proto::PortsReply;
use tokio::time::timeout;

use crate::runners::is_unknown_call;
use crate::{Authorized, Control, Refusal, ServersRead};

/// How long a runner may take to look.
const LIMIT: Duration = Duration::from_secs(10);

impl Control {
    /// Asks the runner of a server of the caller's organization to look now.
    pub async fn server_ports(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
    ) -> Result<PortsReply, Refusal> {
        let organization = proof.caller().organization();
        let server = self.find_server(organization, reference).await?;
        let link = self
            .runners()
            .link(server.id)
            .ok_or(Refusal::ServerUnreachable)?;
        let asked = timeout(LIMIT, link.calls().ports()).await;
        match asked {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(status)) if is_unknown_call(&status) => Err(Refusal::Conflict(format!(
                "this server's runner ({}) cannot list ports: it needs a newer runner",
                link.version()
            ))),
            Ok(Err(_)) | Err(_) => Err(Refusal::ServerUnreachable),
        }
    }
}
