use axum::extract::{Path, State};
use reoclo_api_types::OperationBody;
use reoclo_control::{Authorized, Control, OperationRecord, OwnOperations, Refusal};

use super::result::result;
use crate::body::JsonAnswer;
use crate::error::ApiError;

pub(super) async fn show(
    proof: Authorized<OwnOperations>,
    State(control): State<Control>,
    id: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<JsonAnswer<OperationBody>, ApiError> {
    let unknown = || Refusal::NotFound("the operation");
    let Path(id) = id.map_err(|_| unknown())?;
    let id = id.parse().map_err(|_| unknown())?;
    Ok(JsonAnswer::ok(body(
        control.own_operation(&proof, id).await?,
    )))
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
        command: record.command,
        run_id: record.run_id,
    }
}
