//! Routes of operations that are checked and not run yet.

use axum::extract::State;
use reoclo_api_types::OperationRequest;
use reoclo_control::{Authorized, Control, Credential, Permission, Refusal};
use reoclo_domain::ServerId;

use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;

/// An operation without a credential.
pub(super) async fn run<P: Permission>(
    proof: Authorized<P>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<OperationRequest>,
) -> Result<JsonAnswer<()>, ApiError> {
    refuse(proof, &control, &request, Credential::None).await
}

/// With a stored credential.
pub(super) async fn run_with_credential<P: Permission>(
    proof: Authorized<P>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<OperationRequest>,
) -> Result<JsonAnswer<()>, ApiError> {
    let id = request
        .credential_id
        .as_deref()
        .ok_or("is missing")
        .map(str::parse);
    let id = id.map_err(|problem| Refusal::field("credential_id", problem))?;
    let id = id.map_err(|problem| Refusal::field("credential_id", format!("{problem}")))?;
    refuse(proof, &control, &request, Credential::Stored(id)).await
}

/// With a credential that comes with the request.
pub(super) async fn run_direct<P: Permission>(
    proof: Authorized<P>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<OperationRequest>,
) -> Result<JsonAnswer<()>, ApiError> {
    refuse(proof, &control, &request, Credential::Direct).await
}

async fn refuse<P: Permission>(
    proof: Authorized<P>,
    control: &Control,
    request: &OperationRequest,
    credential: Credential,
) -> Result<JsonAnswer<()>, ApiError> {
    let server: ServerId = request
        .server_id
        .parse()
        .map_err(|problem| Refusal::field("server_id", format!("{problem}")))?;
    match control.planned_operation(proof, server, credential).await? {}
}
