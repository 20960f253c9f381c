//! Registry credentials: `/api/registry-credentials`, and
//! `/mcp/tenants/{tid}/registry-credentials` (clients.md 3.3).

mod handlers;

use reoclo_api_types::{
    ConnectionTestAnswer, ConnectionTestRequest, NewRegistryCredentialRequest,
    RegistryCredentialBody, RegistryCredentialChangeRequest,
};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/registry-credentials",
            Doc::new("List the organization's registry credentials, without their secrets.")
                .answers_list::<RegistryCredentialBody>(),
            handlers::list,
        )
        .tenant_post(
            "/registry-credentials",
            Doc::new("Keep a registry credential; its secret is sealed and never shown again.")
                .takes::<NewRegistryCredentialRequest>()
                .answers::<RegistryCredentialBody>(201),
            handlers::create,
        )
        .tenant_get(
            "/registry-credentials/{id}",
            Doc::new("One registry credential, without its secret.")
                .answers::<RegistryCredentialBody>(200),
            handlers::show,
        )
        .tenant_patch(
            "/registry-credentials/{id}",
            Doc::new("Change a registry credential; where and as whom only with its secret.")
                .takes::<RegistryCredentialChangeRequest>()
                .answers::<RegistryCredentialBody>(200),
            handlers::change,
        )
        .tenant_delete(
            "/registry-credentials/{id}",
            Doc::new("Remove a registry credential.").answers_nothing(),
            handlers::remove,
        )
        .tenant_post(
            "/registry-credentials/test-connection",
            Doc::new("Log in to a registry from here and tell what came of it.")
                .takes::<ConnectionTestRequest>()
                .answers::<ConnectionTestAnswer>(200),
            handlers::test_connection,
        )
        .post(
            "/api/registry-credentials/{id}/test-connection",
            Doc::new("Log in to the registry of a credential that is kept, from here.")
                .answers::<ConnectionTestAnswer>(200),
            handlers::test_kept_connection,
        )
}
