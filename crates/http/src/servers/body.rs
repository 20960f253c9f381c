use reoclo_api_types::{AddedServerBody, MachineBody, ServerBody};
use reoclo_control::{AddedServer, Control, HostFacts, MachineConflict, ServerRecord};

/// A server that was just added.
pub(super) fn added(added: &AddedServer, record: ServerRecord) -> AddedServerBody {
    AddedServerBody {
        server: server(record),
        enrolment_token: added.token.expose().to_owned(),
        expires_at: added.expires_at.to_string(),
        install_command: added.install_command.clone(),
    }
}

pub(super) fn server(server: ServerRecord) -> ServerBody {
    let facts = server.facts;
    let fact = |of: fn(&HostFacts) -> String| facts.as_ref().map(of);
    ServerBody {
        id: server.id.to_string(),
        slug: server.slug,
        name: server.name,
        hostname: fact(|facts| facts.hostname.clone()).unwrap_or_default(),
        public_ip: server.public_ip,
        status: server.status.as_str().into(),
        runner_version: server.runner_version,
        connection_type: "runner".into(),
        cpu_cores: facts.as_ref().map(|facts| facts.cpu_cores),
        ram_mb: facts.as_ref().map(|facts| facts.ram_mb),
        disk_gb: facts.as_ref().map(|facts| facts.disk_gb),
        os: fact(|facts| facts.os.clone()),
        kernel: fact(|facts| facts.kernel.clone()),
        architecture: fact(|facts| facts.architecture.clone()),
        docker_version: facts
            .as_ref()
            .and_then(|facts| facts.docker_version.clone()),
        last_seen_at: server.last_seen_at.map(|at| at.to_string()),
        created_at: server.created_at.to_string(),
        machines: Vec::new(),
    }
}

/// A server with the machines that claim to be it, when there are several.
pub(super) fn with_machines(control: &Control, record: ServerRecord) -> ServerBody {
    let conflict = control.runners().conflict(record.id);
    let machines = conflict.map(|conflict| machines(conflict, &record));
    ServerBody {
        machines: machines.unwrap_or_default(),
        ..server(record)
    }
}

fn machines(conflict: MachineConflict, record: &ServerRecord) -> Vec<MachineBody> {
    let connected = conflict.connected.map(|connected| MachineBody {
        id: connected.id,
        is_connected: true,
        host_name: record.facts.as_ref().map(|facts| facts.hostname.clone()),
        address: connected.address,
        first_seen_at: None,
        last_seen_at: None,
        attempts: None,
    });
    let others = conflict.others.into_iter().map(|other| MachineBody {
        id: other.id,
        is_connected: false,
        host_name: Some(other.host_name).filter(|name| !name.is_empty()),
        address: other.address,
        first_seen_at: Some(other.first_seen_at.to_string()),
        last_seen_at: Some(other.last_seen_at.to_string()),
        attempts: Some(other.attempts),
    });
    connected.into_iter().chain(others).collect()
}
