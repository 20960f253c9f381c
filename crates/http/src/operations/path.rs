//! The operation that a path names.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use reoclo_control::Refusal;
use reoclo_domain::OperationId;
use serde::Deserialize;

use crate::error::ApiError;

/// The path's `{operation_id}`, whatever else it names. What is no id is not found, like the id
/// of somebody else's operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OperationPath(pub(crate) OperationId);

#[derive(Deserialize)]
struct Named {
    operation_id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for OperationPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named = Path::<Named>::from_request_parts(parts, state).await.ok();
        let id = named.and_then(|Path(named)| named.operation_id.parse().ok());
        Ok(Self(id.ok_or(Refusal::NotFound("the operation"))?))
    }
}
