//! The filters of the list of operations.

use reoclo_control::{OperationCursor, OperationFilter, OperationQuery, Refusal};
use reoclo_domain::{OperationState, Timestamp, UserId};

use crate::query::{QueryReader, QueryText, period};
use crate::registrar::QueryParameter;

const MAX_LIMIT: i64 = 200;
const DEFAULT_LIMIT: i64 = 50;

/// What the document says of them.
pub(super) const PARAMETERS: &[QueryParameter] = &[
    ("server_id", "The server that they ran on."),
    (
        "operation_type",
        "`exec`, `deploy`, `restart`, `reboot`, `registry_login` or `registry_logout`.",
    ),
    ("status", "`running`, `completed`, `failed` or `timeout`."),
    ("run_id", "The CI run that they belong to."),
    ("starter", "The id of the key or person that started them."),
    (
        "from",
        "The first day or moment of their start, in ISO 8601; UTC where it names no zone.",
    ),
    ("to", "The last day or moment, which is included."),
    (
        "before",
        "The `next_before` of the page before: gets the operations that follow it.",
    ),
    (
        "limit",
        "The most operations on a page: 1 to 200, or else 50.",
    ),
];

pub(super) fn read(query: &QueryText) -> Result<OperationQuery, Refusal> {
    let mut reader = QueryReader::new(query);
    let filter = OperationFilter {
        server: reader.read(&["server_id"], |text| text.parse().map_err(said)),
        kind: reader.read(&["operation_type"], |text| text.parse().map_err(said)),
        state: reader.read(&["status"], state),
        ended: None,
        run_id: reader.text("run_id"),
        starter: reader.read(&["starter"], |text| {
            let id: UserId = text.parse().map_err(said)?;
            Ok(id.as_uuid())
        }),
        from: reader.read(&["from"], period).map(|period| period.first),
        to: reader.read(&["to"], period).map(|period| period.last),
    };
    let before = reader.read(&["before"], |text| {
        cursor(text).ok_or_else(|| "is not the next_before of a page".to_owned())
    });
    let limit = reader.number(&["limit"], 1, MAX_LIMIT);
    reader.finish()?;
    Ok(OperationQuery {
        filter,
        before,
        limit: limit.unwrap_or(DEFAULT_LIMIT),
    })
}

fn said(problem: impl std::fmt::Display) -> String {
    problem.to_string()
}

fn state(text: &str) -> Result<OperationState, String> {
    let found = OperationState::ALL
        .into_iter()
        .find(|state| state.as_str() == text);
    found.ok_or_else(|| {
        let names = OperationState::ALL.map(OperationState::as_str);
        format!("must be one of {}", names.join(", "))
    })
}

/// A cursor as clients carry it: the moment in microseconds, then the id.
pub(super) fn cursor_text(cursor: OperationCursor) -> String {
    format!("{}.{}", cursor.created_at.as_micros(), cursor.id)
}

fn cursor(text: &str) -> Option<OperationCursor> {
    let (micros, id) = text.split_once('.')?;
    Some(OperationCursor {
        created_at: Timestamp::from_micros(micros.parse().ok()?),
        id: id.parse().ok()?,
    })
}
