//! Routes of operations that are checked and not run yet.

use std::convert::Infallible;

use axum::extract::State;
use reoclo_api_types::OperationRequest;
use reoclo_control::{Authorized, Control, Permission, Refusal};
use reoclo_domain::ServerId;

use crate::body::JsonBody;
use crate::error::ApiError;

pub(crate) async fn planned<P: Permission>(
    proof: Authorized<P>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<OperationRequest>,
) -> Result<Infallible, ApiError> {
    let server: ServerId = request
        .server_id
        .parse()
        .map_err(|problem| Refusal::field("server_id", format!("{problem}")))?;
    match control.operations().planned(proof, server).await? {}
}
