use axum::extract::State;
use reoclo_api_types::{FirewallBody, ListeningPortBody, PortBindingBody, ServerPortsBody};
use reoclo_control::{Authorized, Control, ServersRead};
use reoclo_wire::proto::{ListeningPort, PortBinding, PortsReply};

use crate::answer::Answer;
use crate::error::ApiError;
use crate::path::ItemId;

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Answer<ServerPortsBody>, ApiError> {
    let found = control.servers().ports(&proof, &id).await?;
    let scanned_at = control.clock().now().to_string();
    Ok(Answer(body(found, scanned_at)))
}

fn body(found: PortsReply, scanned_at: String) -> ServerPortsBody {
    let firewall = found.firewall.unwrap_or_default();
    ServerPortsBody {
        listening_ports: found.listening.into_iter().map(port).collect(),
        firewall: FirewallBody {
            detected: firewall.detected,
            active: firewall.active,
            backend: known(firewall.backend),
        },
        docker_port_bindings: found.bindings.into_iter().map(binding).collect(),
        truncated: found.truncated,
        scanned_at,
    }
}

fn port(port: ListeningPort) -> ListeningPortBody {
    ListeningPortBody {
        port: port.port.into(),
        protocol: port.protocol,
        address: port.address,
        process: known(port.process),
    }
}

fn binding(binding: PortBinding) -> PortBindingBody {
    PortBindingBody {
        container: binding.container,
        container_port: binding.container_port.into(),
        protocol: binding.protocol,
        host_address: binding.host_address,
        host_port: binding.host_port.into(),
    }
}

fn known(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
