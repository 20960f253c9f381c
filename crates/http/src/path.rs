//! The ids in a path.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use reoclo_control::Refusal;

use crate::error::ApiError;

/// The parameter `{id}`, whatever else is in the path; one that is not readable finds nothing.
#[derive(Debug)]
pub struct ItemId(
    /// The id as it stood in the path.
    pub String,
);

impl<S: Send + Sync> FromRequestParts<S> for ItemId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unknown = Refusal::NotFound("what the path names");
        let Ok(parameters) = RawPathParams::from_request_parts(parts, state).await else {
            return Err(unknown.into());
        };
        let mut named = parameters.iter().filter(|(name, _)| *name == "id");
        match named.next() {
            Some((_, id)) if !id.contains('\0') => Ok(Self(id.to_owned())),
            _ => Err(unknown.into()),
        }
    }
}

impl ItemId {
    /// The id as the type that it names; a text that is none finds nothing.
    pub fn parse<T: std::str::FromStr>(&self, what: &'static str) -> Result<T, Refusal> {
        self.0.parse().map_err(|_| Refusal::NotFound(what))
    }
}
