//! Servers: `/api/servers`, and `/mcp/tenants/{tid}/servers` (clients.md 3.2).

mod body;
mod handlers;
mod health;
mod metrics;
mod ports;
mod uptime;

use reoclo_api_types::{
    AddServerRequest, AddedServerBody, ChangeServerRequest, ChooseMachineRequest, ServerBody,
    ServerHealthBody, ServerMetricsBody, ServerPortsBody, ServerUptimeBody,
};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/servers",
            Doc::new("List the organization's servers.").answers_list::<ServerBody>(),
            handlers::list,
        )
        .tenant_get(
            "/servers/{id}",
            Doc::new("One server, by id or slug.").answers::<ServerBody>(200),
            handlers::show,
        )
        .tenant_patch(
            "/servers/{id}",
            Doc::new("Change what a server is called.")
                .takes::<ChangeServerRequest>()
                .answers::<ServerBody>(200),
            handlers::change,
        )
        .tenant_get(
            "/servers/{id}/metrics",
            Doc::new("What a server measures now, and measured in the last hours.")
                .takes_query(metrics::PARAMETERS)
                .answers::<ServerMetricsBody>(200),
            metrics::show,
        )
        .tenant_get(
            "/servers/{id}/health",
            Doc::new("How a server is, as of its last check.").answers::<ServerHealthBody>(200),
            health::show,
        )
        .tenant_post(
            "/servers/{id}/health-check",
            Doc::new("Check a server now.").answers::<ServerHealthBody>(200),
            health::check,
        )
        .tenant_get(
            "/servers/{id}/ports",
            Doc::new("Which ports a server listens on now, and its firewall.")
                .answers::<ServerPortsBody>(200),
            ports::show,
        )
        .tenant_get(
            "/servers/{id}/uptime",
            Doc::new("How much of the last hours a server answered, in slots.")
                .takes_query(uptime::PARAMETERS)
                .answers::<ServerUptimeBody>(200),
            uptime::show,
        )
        .post(
            "/api/servers",
            Doc::new("Add a server; the answer has the command that installs its runner.")
                .takes::<AddServerRequest>()
                .answers::<AddedServerBody>(201),
            handlers::add,
        )
        .post(
            "/api/servers/{id}/enrolment-token",
            Doc::new(
                "A new install command for a server whose runner has never connected; the token \
                 before it stops working.",
            )
            .answers::<AddedServerBody>(201),
            handlers::renew_enrolment,
        )
        .post(
            "/api/servers/{id}/machine",
            Doc::new(
                "Decide which machine a server is, when a copy of it claims its identity: a \
                 signed-in admin.",
            )
            .takes::<ChooseMachineRequest>()
            .answers_nothing(),
            handlers::choose_machine,
        )
        .delete(
            "/api/servers/{id}",
            Doc::new("Decommission a server: its runner's identity is dead at once.")
                .answers_nothing(),
            handlers::remove,
        )
}
