use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{AuditLogRequest, AuditLogsRead, AuditOutcome, Authorized, Control};
use reoclo_http::{ApiError, QueryReader, QueryText};

use super::Line;
use super::filters::Filters;
use crate::page::Page;
use crate::shell::Shell;

const PAGE_SIZE: i64 = 50;

#[derive(Template)]
#[template(path = "audit_logs/list.html")]
struct List {
    filters: Filters,
    recent: Vec<Line>,
    total: i64,
    older: Option<String>,
    is_first: bool,
    shell: Shell,
}

pub(super) async fn show(
    proof: Authorized<AuditLogsRead>,
    shell: Shell,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Response, ApiError> {
    let (filters, filter) = Filters::read(&query);
    let mut reader = QueryReader::new(&query);
    let before_seq = reader.number(&["before"], 0, i64::MAX);
    let request = AuditLogRequest {
        filter,
        page: 1,
        page_size: PAGE_SIZE,
        as_of: None,
        before_seq,
    };
    let found = control.audit_log(&proof, request).await?;
    let last = found.items.last().map(|item| item.row.seq);
    let page = List {
        older: last
            .filter(|_| found.has_more)
            .map(|last| filters.before(last)),
        recent: found
            .items
            .into_iter()
            .map(|item| Line::of(item, &shell))
            .collect(),
        total: found.total,
        is_first: before_seq.is_none(),
        filters,
        shell,
    };
    Ok(Page::ok(page).into_response())
}
