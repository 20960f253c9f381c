//! Operations as people and integration keys see them.

mod body;
mod query;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use reoclo_api_types::{OperationItem, OperationPageBody};
use reoclo_control::{Authorized, Control, Refusal, ServersRead};
use reoclo_domain::OperationId;
use serde::Deserialize;

use crate::body::JsonAnswer;
use crate::error::ApiError;
use crate::query::QueryText;
pub(super) use query::PARAMETERS;

/// The operation that the path names; `/mcp/tenants/{tid}` has one name more.
#[derive(Debug, Deserialize)]
pub(crate) struct OperationPath {
    operation_id: String,
}

/// What names no operation is not found, like one of somebody else.
pub(crate) fn named(
    path: Result<Path<OperationPath>, PathRejection>,
) -> Result<OperationId, Refusal> {
    let id = path
        .ok()
        .and_then(|Path(path)| path.operation_id.parse().ok());
    id.ok_or(Refusal::NotFound("the operation"))
}

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
    path: Result<Path<OperationPath>, PathRejection>,
) -> Result<JsonAnswer<OperationItem>, ApiError> {
    let seen = control.operation(&proof, named(path)?).await?;
    Ok(JsonAnswer::ok(body::whole(seen)))
}
