//! Servers: `/api/servers`, and `/mcp/tenants/{tid}/servers` (CLIENTS C.1).

mod body;
mod handlers;

use reoclo_api_types::{AddServerRequest, AddedServerBody, ChangeServerRequest, ServerBody};

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
        .post(
            "/api/servers",
            Doc::new("Add a server; the answer has the command that installs its runner.")
                .takes::<AddServerRequest>()
                .answers::<AddedServerBody>(201),
            handlers::add,
        )
        .delete(
            "/api/servers/{id}",
            Doc::new("Decommission a server: its runner's identity is dead at once."),
            handlers::remove,
        )
}
