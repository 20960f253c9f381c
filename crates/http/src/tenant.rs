//! `/api`: REST for integration keys, and the same resources under `/mcp/tenants/{tid}`.

mod audit_logs;
mod openapi;
mod operations;
mod servers;
mod setup;

use reoclo_api_types::{
    AuditLogPage, OperationItem, OperationPageBody, ServerBody, SetupAnswer, SetupRequest,
};

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let registrar = add_operations(registrar);
    registrar
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
        )
}

fn add_operations(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/operations",
            Doc::new("List operations, newest first and without their output.")
                .takes_query(operations::PARAMETERS)
                .answers::<OperationPageBody>(200),
            operations::list,
        )
        .tenant_get(
            "/operations/{operation_id}",
            Doc::new("The record of an operation; its output needs `logs:read` as well.")
                .answers::<OperationItem>(200),
            operations::show,
        )
}
