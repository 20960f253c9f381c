//! The explicit opposite of a permission.

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::error::ApiError;
use crate::query::KnownQuery;

/// First argument of a handler that needs no credential.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl<S: Sync> FromRequestParts<S> for Public {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        KnownQuery::check(parts)?;
        // The arguments that follow know that nobody has vouched for the request.
        parts.extensions.insert(Self);
        Ok(Self)
    }
}
