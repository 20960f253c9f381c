//! `/api`: REST for integration keys, and the same resources under `/mcp/tenants/{tid}`.

mod audit_logs;
mod openapi;

use reoclo_api_types::AuditLogPage;

use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/audit-logs",
            Doc::new("Read the audit log, newest first.")
                .takes_query(audit_logs::PARAMETERS)
                .answers::<AuditLogPage>(200),
            audit_logs::list,
        )
        .get(
            "/api/openapi.json",
            Doc::new("This document."),
            openapi::show,
        )
}
