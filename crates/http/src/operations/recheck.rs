//! Asking again whether an answer that goes on may go on (rule 5).

use std::convert::Infallible;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use reoclo_control::{Authorized, Permission};

use crate::caller::KnownCaller;
use crate::error::ApiError;
use crate::state::AppState;

/// A request's head, with which its authorization is checked as often as wanted: by the same
/// check that let it in, whatever credential came with it.
pub(crate) struct Recheck<P> {
    parts: Parts,
    state: AppState,
    permission: PhantomData<fn() -> P>,
}

impl<P> FromRequestParts<AppState> for Recheck<P> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self {
            parts: parts.clone(),
            state: state.clone(),
            permission: PhantomData,
        })
    }
}

impl<P: Permission> Recheck<P> {
    /// Refuses as soon as the request would be refused if it came now.
    pub(crate) async fn check(&self) -> Result<(), ApiError> {
        let mut parts = self.parts.clone();
        // Who made the request is asked anew: a key may be revoked by now.
        parts.extensions.insert(KnownCaller::default());
        Authorized::<P>::from_request_parts(&mut parts, &self.state).await?;
        Ok(())
    }
}
