use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{AuditLogRequest, AuditLogsRead, AuditOutcome, Authorized, Control};
use reoclo_domain::counted;
use reoclo_http::{ApiError, QueryReader, QueryText};

use super::Line;
use super::filters::Filters;
use crate::page::Page;
use crate::shell::Shell;

const PAGE_SIZE: i64 = 50;
/// Nobody needs a larger number to the last digit, and counting takes time.
const MOST_COUNTED: i64 = 1000;

#[derive(Template)]
#[template(path = "audit_logs/list.html")]
struct List {
    filters: Filters,
    recent: Vec<Line>,
    total: String,
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
        most_counted: Some(MOST_COUNTED),
    };
    let found = control.audit_logs().list(&proof, request).await?;
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
        total: rows(found.total, !filters.is_empty()),
        is_first: before_seq.is_none(),
        filters,
        shell,
    };
    Ok(Page::ok(page).into_response())
}

/// A total in words; that of a filter is counted only so far.
fn rows(total: i64, is_filtered: bool) -> String {
    match total {
        total if is_filtered && total > MOST_COUNTED => format!("More than {MOST_COUNTED} rows"),
        total => counted(total, "row"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_exact_where_it_was_counted() {
        assert_eq!(rows(0, true), "0 rows");
        assert_eq!(rows(1, false), "1 row");
        assert_eq!(rows(1000, true), "1000 rows");
        assert_eq!(rows(1001, true), "More than 1000 rows");
        assert_eq!(rows(2_000_000, false), "2000000 rows");
    }
}
