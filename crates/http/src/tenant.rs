//! `/api`: REST for integration keys, and the same resources under `/mcp/tenants/{tid}`.

mod audit_logs;
mod openapi;
mod registry_credentials;
mod servers;
mod setup;

use reoclo_api_types::{
    AuditLogPage, ConnectionTestAnswer, ConnectionTestRequest, NewRegistryCredentialRequest,
    RegistryCredentialBody, RegistryCredentialChangeRequest, ServerBody, SetupAnswer, SetupRequest,
};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let registrar = registrar
        .tenant_get(
            "/servers",
            Doc::new("List the organization's servers.").answers_list::<ServerBody>(),
            servers::list,
        )
        .tenant_get(
            "/audit-logs",
            Doc::new("Read the audit log, newest first.")
                .takes_query(audit_logs::PARAMETERS)
                .answers::<AuditLogPage>(200),
            audit_logs::list,
        )
        .post(
            "/api/auth/setup",
            Doc::new("Complete the first admin's account with the one-time set-up link.")
                .takes::<SetupRequest>()
                .answers::<SetupAnswer>(201),
            setup::complete,
        )
        .get(
            "/api/openapi.json",
            Doc::new("This document."),
            openapi::show,
        );
    add_registry_credentials(registrar)
}

fn add_registry_credentials(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/registry-credentials",
            Doc::new("List the organization's registry credentials, without their secrets.")
                .answers_list::<RegistryCredentialBody>(),
            registry_credentials::list,
        )
        .tenant_post(
            "/registry-credentials",
            Doc::new("Keep a registry credential; its secret is sealed and never shown again.")
                .takes::<NewRegistryCredentialRequest>()
                .answers::<RegistryCredentialBody>(201),
            registry_credentials::create,
        )
        .tenant_get(
            "/registry-credentials/{credential_id}",
            Doc::new("One registry credential, without its secret.")
                .answers::<RegistryCredentialBody>(200),
            registry_credentials::show,
        )
        .tenant_patch(
            "/registry-credentials/{credential_id}",
            Doc::new("Change a registry credential; where and as whom only with its secret.")
                .takes::<RegistryCredentialChangeRequest>()
                .answers::<RegistryCredentialBody>(200),
            registry_credentials::change,
        )
        .tenant_delete(
            "/registry-credentials/{credential_id}",
            Doc::new("Remove a registry credential.").answers_nothing(),
            registry_credentials::remove,
        )
        .tenant_post(
            "/registry-credentials/test-connection",
            Doc::new("Log in to a registry from here and tell what came of it.")
                .takes::<ConnectionTestRequest>()
                .answers::<ConnectionTestAnswer>(200),
            registry_credentials::test_connection,
        )
}
