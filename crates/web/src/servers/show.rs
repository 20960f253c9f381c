use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    AuditFilter, AuditLogRequest, AuditLogsRead, Authorized, Control, HostFacts, OperationFilter,
    OperationQuery, ServerRecord, ServersRead,
};
use reoclo_domain::counted;
use reoclo_http::{ApiError, ItemId};

use super::plots::{Plot, plots};
use crate::audit_logs::Line;
use crate::moment::Moment;
use crate::operations;
use crate::page::Page;
use crate::shell::Shell;
use crate::visible::visible;
use crate::words::{Badge, server_status};

/// What the plots show.
const HOURS: u32 = 6;
const RECENT: i64 = 10;
const RECENT_OPERATIONS: i64 = 10;

#[derive(Template)]
#[template(path = "servers/show.html")]
struct Show {
    server: ServerRecord,
    status: Badge,
    facts: Vec<(&'static str, String)>,
    created: Moment,
    last_seen: Option<Moment>,
    plots: Vec<Plot>,
    lack_of_metrics: Option<String>,
    lack_of_abilities: Option<String>,
    operations: Vec<operations::Line>,
    recent: Vec<Line>,
    machines: Vec<Machine>,
    power: Option<&'static str>,
    shell: Shell,
}

/// A machine that claims to be this server.
struct Machine {
    id: String,
    is_connected: bool,
    host_name: String,
    address: String,
    /// How often it was refused.
    attempts: String,
    last_seen: Option<Moment>,
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    log: Authorized<AuditLogsRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Response, ApiError> {
    let server = control.servers().show(&proof, &id).await?;
    let request = AuditLogRequest {
        filter: AuditFilter {
            resource_kind: Some("server".into()),
            resource_id: Some(server.id.to_string()),
            ..AuditFilter::default()
        },
        page: 1,
        page_size: RECENT,
        as_of: None,
        before_seq: None,
        most_counted: Some(0),
    };
    let recent = control.audit_logs().list(&log, request).await?.items;
    let query = OperationQuery {
        filter: OperationFilter {
            server: Some(server.id),
            ..OperationFilter::default()
        },
        before: None,
        limit: RECENT_OPERATIONS,
    };
    let metrics = control
        .servers()
        .metrics(&proof, &server.id.to_string(), HOURS, None)
        .await?;
    let since = shell.now.minus(Duration::from_hours(HOURS.into()));
    let ran = control.operations().list(&proof, &query).await?.items;
    let page = Show {
        status: server_status(server.status),
        facts: server.facts.as_ref().map(facts).unwrap_or_default(),
        created: shell.moment(server.created_at),
        last_seen: server.last_seen_at.map(|at| shell.moment(at)),
        plots: plots(&metrics, since, shell.now),
        lack_of_metrics: metrics.note,
        lack_of_abilities: control.servers().lack_of_abilities(&proof, &server),
        operations: ran
            .iter()
            .map(|record| operations::Line::of(record, &shell))
            .collect(),
        recent: recent
            .into_iter()
            .map(|item| Line::of(item, &shell))
            .collect(),
        machines: machines(&control, &server, &shell),
        power: own_power(&control, &server),
        server,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

/// What is said of a server whose commands control Reoclo itself.
fn own_power(control: &Control, server: &ServerRecord) -> Option<&'static str> {
    let own = control.settings().own_server;
    own.filter(|(id, _)| *id == server.id).map(|(_, text)| text)
}

fn machines(control: &Control, server: &ServerRecord, shell: &Shell) -> Vec<Machine> {
    let Some(conflict) = control.runners().conflict(server.id) else {
        return Vec::new();
    };
    let connected = conflict.connected.map(|connected| Machine {
        id: connected.id,
        is_connected: true,
        host_name: or_unknown(server.facts.as_ref().map(|facts| facts.hostname.as_str())),
        address: or_unknown(connected.address.as_deref()),
        attempts: String::new(),
        last_seen: None,
    });
    let others = conflict.others.into_iter().map(|other| Machine {
        host_name: or_unknown(Some(&other.host_name)),
        address: or_unknown(other.address.as_deref()),
        attempts: counted(other.attempts, "time"),
        id: other.id,
        is_connected: false,
        last_seen: Some(shell.moment(other.last_seen_at)),
    });
    connected.into_iter().chain(others).collect()
}

/// What a machine says of itself, or that it does not.
fn or_unknown(text: Option<&str>) -> String {
    let text = text.filter(|text| !text.is_empty());
    text.map_or_else(|| "not known".to_owned(), visible)
}

fn facts(facts: &HostFacts) -> Vec<(&'static str, String)> {
    let docker = facts.docker_version.clone();
    vec![
        ("Host name", facts.hostname.clone()),
        ("System", facts.os.clone()),
        ("Kernel", facts.kernel.clone()),
        ("Architecture", facts.architecture.clone()),
        ("Processors", facts.cpu_cores.to_string()),
        ("Memory", memory(facts.ram_mb)),
        (
            "Disk of /",
            format!("{} GiB with what is reserved", facts.disk_gb),
        ),
        ("Docker", docker.unwrap_or_else(|| "not found".into())),
    ]
}

/// Memory in whole GiB, or in MiB where that says more.
pub(super) fn memory(ram_mb: i64) -> String {
    if ram_mb < 2_048 {
        format!("{ram_mb} MiB")
    } else {
        format!("{} GiB", (ram_mb + 512) / 1_024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_in_the_unit_that_says_most() {
        assert_eq!(memory(512), "512 MiB");
        assert_eq!(memory(7_900), "8 GiB");
    }
}
