use reoclo_api_types::{AddedServerBody, ServerBody};
use reoclo_control::{AddedServer, HostFacts, ServerRecord};

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
    }
}
