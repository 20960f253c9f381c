//! The server that a path names.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use reoclo_control::Refusal;
use serde::Deserialize;

use crate::error::ApiError;

/// The path's `{id}`: a server's id or slug, not looked up yet.
#[derive(Clone, Debug)]
pub(crate) struct ServerPath(pub(crate) String);

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for ServerPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let named = Path::<Named>::from_request_parts(parts, state).await;
        let named = named.map_err(|_| Refusal::NotFound("the server"))?;
        Ok(Self(named.0.id))
    }
}
