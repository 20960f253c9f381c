//! The explicit opposite of a permission.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;

/// First argument of a handler that needs no credential.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl<S: Sync> FromRequestParts<S> for Public {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The arguments that follow know that nobody has vouched for the request.
        parts.extensions.insert(Self);
        Ok(Self)
    }
}
