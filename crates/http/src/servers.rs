//! Servers: `/api/servers`, and `/mcp/tenants/{tid}/servers` (clients.md 3.2).

mod body;
mod exec;
mod health;
mod metrics;
mod ports;
mod reboot;
mod uptime;

use axum::extract::State;
use reoclo_api_types::{
    AddServerRequest, AddedServerBody, ChangeServerRequest, ChooseMachineRequest, ServerBody,
};
use reoclo_control::{Authorized, Control, OrganizationManage, ServersRead, ServersWrite};

use crate::answer::{Answer, Created, List, NoContent};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::path::ItemId;
use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar
        .tenant_get(
            "/servers",
            Doc::new("List the organization's servers."),
            list,
        )
        .tenant_get(
            "/servers/{id}",
            Doc::new("One server, by id or slug."),
            show,
        )
        .tenant_patch(
            "/servers/{id}",
            Doc::new("Change what a server is called."),
            change,
        )
        .tenant_get(
            "/servers/{id}/metrics",
            Doc::new("What a server measures now, and measured in the last hours.")
                .takes_query(metrics::PARAMETERS),
            metrics::show,
        )
        .tenant_get(
            "/servers/{id}/health",
            Doc::new("How a server is, as of its last check."),
            health::show,
        )
        .tenant_post(
            "/servers/{id}/health-check",
            Doc::new("Check a server now."),
            health::check,
        )
        .tenant_get(
            "/servers/{id}/ports",
            Doc::new("Which ports a server listens on now, and its firewall."),
            ports::show,
        )
        .tenant_get(
            "/servers/{id}/uptime",
            Doc::new("How much of the last hours a server answered, in slots.")
                .takes_query(uptime::PARAMETERS),
            uptime::show,
        );
    add_runs(add_changes(registrar))
}

/// Adding servers and taking them out of use.
fn add_changes(registrar: Registrar) -> Registrar {
    registrar
        .post(
            "/api/servers",
            Doc::new("Add a server; the answer has the command that installs its runner."),
            create,
        )
        .post(
            "/api/servers/{id}/enrolment-token",
            Doc::new(
                "A new install command for a server whose runner has never connected; the token \
                 before it stops working.",
            ),
            renew_enrolment,
        )
        .post(
            "/api/servers/{id}/machine",
            Doc::new(
                "Decide which machine a server is, when a copy of it claims its identity: a \
                 signed-in admin.",
            ),
            choose_machine,
        )
        .delete(
            "/api/servers/{id}",
            Doc::new("Decommission a server: its runner's identity is dead at once."),
            remove,
        )
}

/// What runs on a server.
fn add_runs(registrar: Registrar) -> Registrar {
    registrar
        .tenant_post(
            "/servers/{id}/reboot",
            Doc::new("Reboot a server, named by its id or slug."),
            reboot::reboot,
        )
        .tenant_post(
            "/servers/{id}/exec",
            Doc::new("Run a command on a server, named by its id or slug, and wait for its end."),
            exec::exec,
        )
}

async fn list(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
) -> Result<List<ServerBody>, ApiError> {
    let servers = control.servers().list(&proof).await?;
    Ok(List(
        servers
            .into_iter()
            .map(|server| body::with_machines(&control, server))
            .collect(),
    ))
}

async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Answer<ServerBody>, ApiError> {
    let server = control.servers().show(&proof, &id).await?;
    Ok(Answer(body::with_machines(&control, server)))
}

async fn choose_machine(
    proof: Authorized<OrganizationManage>,
    State(control): State<Control>,
    ItemId(id): ItemId,
    JsonBody(request): JsonBody<ChooseMachineRequest>,
) -> Result<NoContent, ApiError> {
    control
        .servers()
        .choose_machine(&proof, &id, &request.keep)
        .await?;
    Ok(NoContent)
}

async fn create(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<AddServerRequest>,
) -> Result<Created<AddedServerBody>, ApiError> {
    let (added, record) = control.servers().create(&proof, request, None).await?;
    Ok(Created(body::added(&added, record)))
}

async fn renew_enrolment(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Created<AddedServerBody>, ApiError> {
    let (renewed, record) = control.servers().renew_enrolment(&proof, &id, None).await?;
    let body = body::added(&renewed, record);
    Ok(Created(body))
}

async fn change(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    ItemId(id): ItemId,
    JsonBody(request): JsonBody<ChangeServerRequest>,
) -> Result<Answer<ServerBody>, ApiError> {
    let server = control.servers().change(&proof, &id, request).await?;
    Ok(Answer(body::server(server)))
}

async fn remove(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<NoContent, ApiError> {
    control.servers().remove(&proof, &id).await?;
    Ok(NoContent)
}
