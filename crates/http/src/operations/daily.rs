//! How the operations of the last days ended.

use axum::extract::State;
use reoclo_api_types::{OperationDayBody, OperationDaysBody};
use reoclo_control::{Authorized, Control, OperationDay, ServersRead};

use crate::answer::Answer;
use crate::error::ApiError;
use crate::query::{QueryReader, QueryText};
use crate::registrar::QueryParameter;

const DEFAULT_DAYS: i64 = 14;
const MAX_DAYS: i64 = 366;

/// What the document says of them.
pub(super) const PARAMETERS: &[QueryParameter] =
    &[("days", "How many, today included: 1 to 366, or else 14.")];

pub(super) async fn list(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Answer<OperationDaysBody>, ApiError> {
    let mut reader = QueryReader::new(&query);
    let days = reader.number(&["days"], 1, MAX_DAYS);
    reader.finish()?;
    let days = u32::try_from(days.unwrap_or(DEFAULT_DAYS)).unwrap_or(u32::MAX);
    let found = control.operations().days(&proof, days).await?;
    let days = found.into_iter().map(body).collect();
    Ok(Answer(OperationDaysBody { days }))
}

fn body(day: OperationDay) -> OperationDayBody {
    let begin = day.day.to_string();
    let date = begin.split('T').next().unwrap_or_default();
    OperationDayBody {
        day: date.to_owned(),
        completed: day.completed,
        failed: day.failed,
        timeout: day.timed_out,
    }
}
