//! The home page: what there is, and what needs somebody.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{
    AuditFilter, AuditLogRequest, AuditLogsRead, Authorized, Control, Member, ServersRead,
    UsersRead,
};
use reoclo_domain::ServerStatus;
use reoclo_http::{ApiError, Registrar};

use crate::audit_logs::Line;
use crate::page::Page;
use crate::shell::Shell;

const RECENT: i64 = 12;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    servers: usize,
    active_servers: usize,
    unreachable: Vec<(String, String)>,
    people: usize,
    recent: Vec<Line>,
    shell: Shell,
}

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar.page("/", show)
}

async fn show(
    _: Authorized<Member>,
    servers: Authorized<ServersRead>,
    people: Authorized<UsersRead>,
    log: Authorized<AuditLogsRead>,
    shell: Shell,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let servers = control.servers(&servers).await?;
    let with = |status| servers.iter().filter(move |server| server.status == status);
    let request = AuditLogRequest {
        filter: AuditFilter::default(),
        page: 1,
        page_size: RECENT,
        as_of: None,
        before_seq: None,
    };
    let recent = control.audit_log(&log, request).await?.items;
    let page = Home {
        servers: servers.len(),
        active_servers: with(ServerStatus::Active).count(),
        unreachable: with(ServerStatus::Unreachable)
            .map(|server| (server.slug.clone(), server.name.clone()))
            .collect(),
        people: control.users(&people, "").await?.len(),
        recent: recent
            .into_iter()
            .map(|item| Line::of(item, &shell))
            .collect(),
        shell,
    };
    Ok(Page::ok(page).into_response())
}
