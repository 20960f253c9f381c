//! Operations: `/api/operations`, and `/mcp/tenants/{tid}/operations`. What an automation key sees
//! of its own is in `own`.

mod body;
mod daily;
mod events;
pub(crate) mod exec;
pub(crate) mod logs;
pub(crate) mod own;
mod path;
pub(crate) mod planned;
mod query;
pub(crate) mod reboot;
mod recheck;
pub(crate) mod registry_auth;
pub(crate) mod result;
pub(crate) mod wait;

use axum::extract::State;
use http::HeaderMap;
use reoclo_api_types::{CancelAnswer, OperationItem, OperationPageBody};
use reoclo_control::{
    Authorized, CancelRequested, Control, OperationOutput, ServersExecute, ServersRead,
};

use crate::answer::{Answer, Bytes, EventStream};
use crate::error::ApiError;
use crate::query::QueryText;
use crate::registrar::{Doc, Registrar};
pub(crate) use path::OperationPath;
pub(crate) use recheck::Recheck;
use wait::{Wait, Waiting};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/operations",
            Doc::new("List operations, newest first and without their output.")
                .takes_query(query::PARAMETERS),
            list,
        )
        .get(
            "/api/operations/daily",
            Doc::new("How the operations of the last days ended, by the day on which they began.")
                .takes_query(daily::PARAMETERS),
            daily::list,
        )
        .tenant_get(
            "/operations/{operation_id}",
            Doc::new("The record of an operation; its output needs `logs:read` as well.")
                .takes_query(wait::PARAMETERS),
            show,
        )
        .tenant_get(
            "/operations/{operation_id}/logs",
            Doc::new("The full output of an operation, as bytes: up to 10 MiB of each stream.")
                .takes_query(logs::PARAMETERS),
            logs,
        )
        .tenant_get(
            "/operations/{operation_id}/events",
            Doc::new("The output of an operation as it comes, as server-sent events."),
            events,
        )
        .tenant_post(
            "/operations/{operation_id}/cancel",
            Doc::new("End an operation: TERM to its process group, KILL after 5 seconds."),
            cancel,
        )
}

async fn list(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    query: QueryText,
) -> Result<Answer<OperationPageBody>, ApiError> {
    let query = query::read(&query)?;
    let page = control.operations().list(&proof, &query).await?;
    Ok(Answer(body::page(&proof, page)))
}

async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    query: QueryText,
    recheck: Recheck<ServersRead>,
) -> Result<Waiting<OperationItem>, ApiError> {
    let caller = proof.caller();
    let wait = Wait::read(&query)?;
    let mut waited = None;
    if wait.is_wanted() {
        let end = control.operations().end(&proof, id).await?;
        waited = Some(wait.until(end, caller, &recheck, &control).await?);
    }
    let seen = control.operations().show(&proof, id).await?;
    let outcome = seen.record.outcome.clone();
    let item = body::whole(seen);
    Ok(wait::answer(wait, waited, caller, outcome.as_ref(), item))
}

async fn logs(
    proof: Authorized<OperationOutput>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    query: QueryText,
) -> Result<Bytes, ApiError> {
    let log = control.operations().log(&proof, id).await?;
    logs::download(log, &query).await
}

async fn events(
    proof: Authorized<OperationOutput>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
    recheck: Recheck<OperationOutput>,
    headers: HeaderMap,
) -> Result<EventStream, ApiError> {
    let log = control.operations().log(&proof, id).await?;
    events::stream(log, recheck, &control, &headers)
}

async fn cancel(
    proof: Authorized<ServersExecute>,
    State(control): State<Control>,
    OperationPath(id): OperationPath,
) -> Result<Answer<CancelAnswer>, ApiError> {
    let cancel = control.operations().cancel(&proof, id).await?;
    Ok(Answer(cancelled(&cancel)))
}

/// What became of a cancel, in words.
fn cancelled(cancel: &CancelRequested) -> CancelAnswer {
    let has_ended = cancel.state.is_terminal();
    let message = match (has_ended, cancel.is_connected) {
        (true, _) => "the operation is cancelled",
        (false, true) => "the operation is being cancelled",
        (false, false) => {
            "the server's runner is not connected: the operation is cancelled when it is back"
        }
    };
    CancelAnswer {
        operation_id: cancel.operation.to_string(),
        status: cancel.state.as_str().into(),
        delivered: has_ended || cancel.is_connected,
        message: message.into(),
    }
}
