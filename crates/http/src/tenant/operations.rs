//! Operations as people and integration keys see them.

mod body;
mod query;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use reoclo_api_types::{CancelAnswer, OperationPageBody};
use reoclo_control::{Authorized, Control, OperationOutput, ServersExecute, ServersRead};

use crate::body::JsonAnswer;
use crate::error::ApiError;
use crate::operations::{OperationPath, Recheck, Wait, cancelled, events, logs, wait};
use crate::query::QueryText;
pub(super) use query::PARAMETERS;

pub(super) async fn list(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    query: QueryText,
) -> Result<JsonAnswer<OperationPageBody>, ApiError> {
    let query = query::read(&query)?;
    let page = control.operations(&proof, &query).await?;
    Ok(JsonAnswer::ok(body::page(&proof, page)))
}

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    query: QueryText,
    recheck: Recheck<ServersRead>,
) -> Result<Response, ApiError> {
    let caller = proof.caller();
    let wait = Wait::read(&query)?;
    let mut waited = None;
    if wait.is_wanted() {
        let end = control.operation_end(&proof, id).await?;
        waited = Some(wait.until(end, caller, &recheck, &control).await?);
    }
    let seen = control.operation(&proof, id).await?;
    let outcome = seen.record.outcome.clone();
    let item = body::whole(seen);
    Ok(wait::answer(wait, waited, caller, outcome.as_ref(), item))
}

pub(super) async fn log(
    proof: Authorized<OperationOutput>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    query: QueryText,
) -> Result<Response, ApiError> {
    let log = control.operation_log(&proof, id).await?;
    logs::download(log, &query).await
}

pub(super) async fn follow(
    proof: Authorized<OperationOutput>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    recheck: Recheck<OperationOutput>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let log = control.operation_log(&proof, id).await?;
    events::stream(log, recheck, &control, &headers)
}

pub(super) async fn cancel(
    proof: Authorized<ServersExecute>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
) -> Result<JsonAnswer<CancelAnswer>, ApiError> {
    let cancel = control.cancel_operation(&proof, id).await?;
    Ok(JsonAnswer::ok(cancelled(&cancel)))
}
