use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, ServerRecord, ServersRead};
use reoclo_http::ApiError;

use crate::moment::Moment;
use crate::page::Page;
use crate::shell::Shell;
use crate::words::{Badge, server_status};

#[derive(Template)]
#[template(path = "servers/list.html")]
struct List {
    servers: Vec<Line>,
    shell: Shell,
}

struct Line {
    slug: String,
    name: String,
    status: Badge,
    system: String,
    size: String,
    runner: String,
    last_seen: Option<Moment>,
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let servers = control.servers(&proof).await?.into_iter();
    let servers = servers.map(|server| line(server, &shell)).collect();
    Ok(Page::ok(List { servers, shell }).into_response())
}

fn line(server: ServerRecord, shell: &Shell) -> Line {
    let (system, size) = match &server.facts {
        Some(facts) => (facts.os.clone(), size(facts.cpu_cores, facts.ram_mb)),
        None => (String::new(), String::new()),
    };
    Line {
        status: server_status(server.status),
        system,
        size,
        runner: server.runner_version.unwrap_or_default(),
        last_seen: server.last_seen_at.map(|at| shell.moment(at)),
        slug: server.slug,
        name: server.name,
    }
}

/// Processors and memory in a few words.
fn size(cpu_cores: i64, ram_mb: i64) -> String {
    let cores = if cpu_cores == 1 { "core" } else { "cores" };
    format!("{cpu_cores} {cores}, {}", super::show::memory(ram_mb))
}
