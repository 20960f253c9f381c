//! Which ports a server listens on.

use std::time::Duration;

use reoclo_wire::proto::{PortsReply, PortsRequest};
use tokio::time::timeout;
use tonic::Code;

use crate::runners::cut;
use crate::{Authorized, Control, Refusal, ServersRead};

/// How long a runner may take to look.
const LIMIT: Duration = Duration::from_secs(10);
/// The most of each kind that is believed.
const MOST: usize = 2000;

impl Control {
    /// Asks the runner of a server of the caller's organization to look now. What it says is cut
    /// to bounds and has no character that hides or reorders others.
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
        let mut client = link.client();
        let asked = timeout(LIMIT, client.ports(PortsRequest {})).await;
        match asked {
            Ok(Ok(reply)) => Ok(bounded(reply.into_inner())),
            Ok(Err(status)) if status.code() == Code::Unimplemented => {
                Err(Refusal::Conflict(format!(
                    "this server's runner ({}) cannot list ports: it needs a newer runner",
                    link.version()
                )))
            }
            Ok(Err(_)) | Err(_) => Err(Refusal::ServerUnreachable),
        }
    }
}

fn bounded(mut reply: PortsReply) -> PortsReply {
    reply.truncated |= reply.listening.len() > MOST || reply.bindings.len() > MOST;
    reply.listening.truncate(MOST);
    reply.bindings.truncate(MOST);
    for port in &mut reply.listening {
        port.port = port.port.min(u16::MAX.into());
        for text in [&mut port.protocol, &mut port.address, &mut port.process] {
            *text = cut(text);
        }
    }
    for binding in &mut reply.bindings {
        binding.container_port = binding.container_port.min(u16::MAX.into());
        binding.host_port = binding.host_port.min(u16::MAX.into());
        for text in [
            &mut binding.container,
            &mut binding.protocol,
            &mut binding.host_address,
        ] {
            *text = cut(text);
        }
    }
    if let Some(firewall) = &mut reply.firewall {
        firewall.backend = cut(&firewall.backend);
    }
    reply
}
