//! The proof of authorization as the first argument of a handler.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use reoclo_control::{Authorized, Permission, Refusal};
use reoclo_domain::OrganizationId;

use crate::caller::KnownCaller;
use crate::error::ApiError;
use crate::listener::Standing;
use crate::query::KnownQuery;
use crate::registrar::TENANT_ID;
use crate::state::AppState;

impl<P: Permission> FromRequestParts<AppState> for Authorized<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let caller = KnownCaller::of(parts, state, P::REQUIREMENT).await?;
        let proof = state.control.prove::<P>(&caller)?;
        if let Some(standing) = parts.extensions.get::<Arc<Standing>>() {
            standing.authenticated();
        }
        check_tenant(parts, state, caller.organization()).await?;
        KnownQuery::check(parts)?;
        Ok(proof)
    }
}

/// Where the path names an organization, it is the caller's own; every other is not found.
async fn check_tenant(
    parts: &mut Parts,
    state: &AppState,
    organization: OrganizationId,
) -> Result<(), Refusal> {
    let parameters = RawPathParams::from_request_parts(parts, state).await;
    let parameters = parameters.map_err(|_| Refusal::NotFound("what the path names"))?;
    let mut named = parameters.iter().filter(|(name, _)| *name == TENANT_ID);
    if named.all(|(_, id)| id.parse() == Ok(organization)) {
        Ok(())
    } else {
        Err(Refusal::NotFound("the organization"))
    }
}
