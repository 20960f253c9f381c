//! `/api`: REST for integration keys, and the same resources under `/mcp/tenants/{tid}`.

mod audit_logs;
mod daily;
mod openapi;
mod operations;
mod reboot;
mod server_exec;

use reoclo_api_types::{
    AuditLogPage, AuditLogVerification, CancelAnswer, OperationDaysBody, OperationItem,
    OperationPageBody, RebootAnswer, ServerExecAnswer, ServerExecRequest, VerifyAuditLogRequest,
};

use crate::operations::{logs, wait};
use crate::registrar::{Doc, Registrar};
pub use audit_logs::audit_export_answer;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let registrar = add_operations(registrar);
    registrar
        .tenant_get(
            "/audit-logs",
            Doc::new("Read the audit log, newest first.")
                .takes_query(audit_logs::PARAMETERS)
                .answers::<AuditLogPage>(200),
            audit_logs::list,
        )
        .get(
            "/api/audit-logs/export",
            Doc::new(
                "The whole audit log as JSON lines, the oldest row first and a signed checkpoint \
                 last.",
            ),
            audit_logs::download,
        )
        .post(
            "/api/audit-logs/verify",
            Doc::new("Verify the audit log: which row is changed, missing or cut off, if any.")
                .takes::<VerifyAuditLogRequest>()
                .answers::<AuditLogVerification>(200),
            audit_logs::verify,
        )
        .get(
            "/api/openapi.json",
            Doc::new("This document."),
            openapi::show,
        )
}

fn add_operations(registrar: Registrar) -> Registrar {
    registrar
        .tenant_post(
            "/servers/{id}/reboot",
            Doc::new("Reboot a server, named by its id or slug.").answers::<RebootAnswer>(200),
            reboot::run,
        )
        .tenant_post(
            "/servers/{id}/exec",
            Doc::new("Run a command on a server, named by its id or slug, and wait for its end.")
                .takes::<ServerExecRequest>()
                .answers::<ServerExecAnswer>(200),
            server_exec::run,
        )
        .tenant_get(
            "/operations",
            Doc::new("List operations, newest first and without their output.")
                .takes_query(operations::PARAMETERS)
                .answers::<OperationPageBody>(200),
            operations::list,
        )
        .get(
            "/api/operations/daily",
            Doc::new("How the operations of the last days ended, by the day on which they began.")
                .takes_query(daily::PARAMETERS)
                .answers::<OperationDaysBody>(200),
            daily::list,
        )
        .tenant_get(
            "/operations/{operation_id}",
            Doc::new("The record of an operation; its output needs `logs:read` as well.")
                .takes_query(wait::PARAMETERS)
                .answers::<OperationItem>(200)
                .or_answers(wait::ANSWERS),
            operations::show,
        )
        .tenant_get(
            "/operations/{operation_id}/logs",
            Doc::new("The full output of an operation, as bytes: up to 10 MiB of each stream.")
                .takes_query(logs::PARAMETERS),
            operations::log,
        )
        .tenant_get(
            "/operations/{operation_id}/events",
            Doc::new("The output of an operation as it comes, as server-sent events."),
            operations::follow,
        )
        .tenant_post(
            "/operations/{operation_id}/cancel",
            Doc::new("End an operation: TERM to its process group, KILL after 5 seconds.")
                .answers::<CancelAnswer>(200),
            operations::cancel,
        )
}
