use axum::extract::State;
use reoclo_api_types::ServerBody;
use reoclo_control::{Authorized, Control, ServerRecord, ServersRead};

use crate::body::JsonAnswer;
use crate::error::ApiError;

pub(super) async fn list(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
) -> Result<JsonAnswer<Vec<ServerBody>>, ApiError> {
    let servers = control.servers(&proof).await?;
    Ok(JsonAnswer::ok(servers.into_iter().map(body).collect()))
}

fn body(server: ServerRecord) -> ServerBody {
    let facts = server.facts;
    let fact = |of: fn(&reoclo_control::HostFacts) -> String| facts.as_ref().map(of);
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
