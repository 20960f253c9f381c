//! Operations as the automation key sees them that started them.

use axum::extract::State;
use http::HeaderMap;
use reoclo_api_types::{CancelAnswer, OperationBody, OwnOperationItem, OwnOperationsBody};
use reoclo_control::{Authorized, Control, OperationRecord, OwnOperations};

use super::path::OperationPath;
use super::recheck::Recheck;
use super::result::result;
use super::wait::{self, Wait, Waiting};
use super::{cancelled, events::stream, logs::download};
use crate::answer::{Answer, Bytes, EventStream};
use crate::error::ApiError;
use crate::query::{QueryReader, QueryText};
use crate::registrar::QueryParameter;

/// What the document says of the list.
pub(crate) const PARAMETERS: &[QueryParameter] = &[(
    "run_id",
    "What was sent as `run_id` when they were begun. Finds an operation whose first answer was \
     lost.",
)];

pub(crate) async fn list(
    proof: Authorized<OwnOperations>,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Answer<OwnOperationsBody>, ApiError> {
    let mut reader = QueryReader::new(&query);
    let run = reader.text("run_id");
    if run.is_none() {
        reader.refuse("run_id", "say which run: what was sent as run_id");
    }
    reader.finish()?;
    let run = run.unwrap_or_default();
    let items = control.operations().list_own(&proof, run).await?;
    Ok(Answer(OwnOperationsBody {
        items: items.into_iter().map(item).collect(),
    }))
}

fn item(record: OperationRecord) -> OwnOperationItem {
    OwnOperationItem {
        operation_id: record.id.to_string(),
        operation_type: record.kind.as_str().into(),
        status: record.state.as_str().into(),
        server_id: record.server.to_string(),
        server_name: record.server_name,
        run_id: record.run_id,
        started_at: record.created_at.to_string(),
    }
}

pub(crate) async fn show(
    proof: Authorized<OwnOperations>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    query: QueryText,
    recheck: Recheck<OwnOperations>,
) -> Result<Waiting<OperationBody>, ApiError> {
    let caller = proof.caller();
    let wait = Wait::read(&query)?;
    let mut waited = None;
    if wait.is_wanted() {
        let end = control.operations().own_end(&proof, id).await?;
        waited = Some(wait.until(end, caller, &recheck, &control).await?);
    }
    let record = control.operations().show_own(&proof, id).await?;
    let outcome = record.outcome.clone();
    Ok(wait::answer(
        wait,
        waited,
        caller,
        outcome.as_ref(),
        body(record),
    ))
}

pub(crate) async fn logs(
    proof: Authorized<OwnOperations>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    query: QueryText,
) -> Result<Bytes, ApiError> {
    let log = control.operations().own_log(&proof, id).await?;
    download(log, &query).await
}

pub(crate) async fn events(
    proof: Authorized<OwnOperations>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    recheck: Recheck<OwnOperations>,
    headers: HeaderMap,
) -> Result<EventStream, ApiError> {
    let log = control.operations().own_log(&proof, id).await?;
    stream(log, recheck, &control, &headers)
}

pub(crate) async fn cancel(
    proof: Authorized<OwnOperations>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
) -> Result<Answer<CancelAnswer>, ApiError> {
    let cancel = control.operations().cancel_own(&proof, id).await?;
    Ok(Answer(cancelled(&cancel)))
}

fn body(record: OperationRecord) -> OperationBody {
    let outcome = record.outcome.as_ref();
    OperationBody {
        operation_id: record.id.to_string(),
        operation_type: record.kind.as_str().into(),
        server_id: record.server.to_string(),
        status: record.state.as_str().into(),
        result: outcome.map(result),
        run_context: record
            .run_context
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok()),
        completed_at: outcome.map(|outcome| outcome.completed_at.to_string()),
        code: outcome.and_then(|outcome| outcome.code.clone()),
        message: outcome.and_then(|outcome| outcome.message.clone()),
        started_at: record.created_at.to_string(),
        timeout_seconds: record.timeout_seconds,
        server_name: record.server_name,
        source: record.via.map(|via| via.to_string()),
        command: record.command,
        run_id: record.run_id,
    }
}
