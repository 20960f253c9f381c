//! The audit log: `/api/audit-logs`, and `/mcp/tenants/{tid}/audit-logs` (clients.md 3).

mod export;
mod query;
mod verify;

use axum::extract::State;
use http::Uri;
use reoclo_api_types::{AuditLogItem, AuditLogPage};
use reoclo_control::{Actor, AuditItem, AuditLogsRead, AuditPage, Authorized, Control};

use crate::answer::Answer;
use crate::error::ApiError;
use crate::query::QueryText;
use crate::registrar::{Doc, Registrar};
pub use export::audit_export_answer;
use query::Dialect;

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/audit-logs",
            Doc::new("Read the audit log, newest first.").takes_query(query::PARAMETERS),
            list,
        )
        .get(
            "/api/audit-logs/export",
            Doc::new(
                "The whole audit log as JSON lines, the oldest row first and a signed checkpoint \
                 last.",
            ),
            export::export,
        )
        .post(
            "/api/audit-logs/verify",
            Doc::new("Verify the audit log: which row is changed, missing or cut off, if any."),
            verify::verify,
        )
}

async fn list(
    proof: Authorized<AuditLogsRead>,
    State(control): State<Control>,
    uri: Uri,
    query: QueryText,
) -> Result<Answer<AuditLogPage>, ApiError> {
    let dialect = if uri.path().starts_with("/mcp/") {
        Dialect::Published
    } else {
        Dialect::Rest
    };
    let request = query::read(&query, dialect)?;
    let (page, page_size) = (request.page, request.page_size);
    let found = control.audit_logs().list(&proof, request).await?;
    Ok(Answer(body(found, page, page_size)))
}

fn body(found: AuditPage, page: i64, page_size: i64) -> AuditLogPage {
    let last = found.items.last().map(|item| item.row.seq);
    AuditLogPage {
        items: found.items.into_iter().map(item).collect(),
        total: found.total,
        page,
        page_size,
        as_of: found.as_of,
        next_before_seq: last.filter(|_| found.has_more),
    }
}

fn item(item: AuditItem) -> AuditLogItem {
    let actor_email = item.actor_called();
    let AuditItem { row, server, .. } = item;
    let (server_id, server_name) = server.map_or((None, None), |server| (server.id, server.name));
    // What rows of earlier versions do not say of themselves.
    let is_called_by_server = matches!(&*row.resource_kind, "operation" | "server");
    AuditLogItem {
        id: row.id.to_string(),
        seq: row.seq,
        actor_id: actor_id(&row.actor),
        actor_type: row.actor.kind.as_str().into(),
        actor_email,
        actor_name: row.actor.label,
        action: row.action,
        resource_type: row.resource_kind,
        resource_id: row.resource_id,
        resource_name: row
            .resource_name
            .or_else(|| server_name.clone().filter(|_| is_called_by_server)),
        server_id,
        server_name,
        outcome: row.outcome.as_str().into(),
        ip: row.source.ip.map(|ip| ip.to_string()),
        user_agent: row.source.user_agent,
        source: row.source.via.map(|via| via.to_string()),
        request_id: row.source.request_id.map(|id| id.to_string()),
        detail: row.detail,
        created_at: row.at.to_string(),
    }
}

/// Clients need one, so who has none goes by the name of the kind.
fn actor_id(actor: &Actor) -> String {
    let kind = actor.kind.as_str();
    actor.id.map_or_else(|| kind.into(), |id| id.to_string())
}
