//! The proof of authorization as the first argument of a handler.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use reoclo_control::{
    Asked, Authorized, KeyNotes, MadeBy, Permission, Presented, PresentedSession, Refusal,
};
use reoclo_domain::OrganizationId;

use crate::edge::{Source, is_of_own_origin, is_same_site};
use crate::error::ApiError;
use crate::listener::Standing;
use crate::page::PageRoute;
use crate::query::KnownQuery;
use crate::registrar::TENANT_ID;
use crate::sessions::cookie;
use crate::state::AppState;

impl<P: Permission> FromRequestParts<AppState> for Authorized<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let source = Source::of(parts).0;
        // People look at pages, and what a proxy before us put into the header is not theirs.
        let bearer = match PageRoute::of(parts) {
            Some(_) => None,
            None => bearer(&parts.headers)?,
        };
        let notes = parts.extensions.get::<Arc<KeyNotes>>();
        let notes = notes.cloned().unwrap_or_default();
        let session = presented_session(parts, state);
        let presented = Presented {
            bearer,
            session,
            source,
            asked: asked(parts),
            notes,
        };
        let proof = state.control.authorize::<P>(presented).await?;
        if let Some(standing) = parts.extensions.get::<Arc<Standing>>() {
            standing.authenticated();
        }
        check_tenant(parts, state, proof.caller().organization()).await?;
        KnownQuery::check(parts)?;
        Ok(proof)
    }
}

fn asked(parts: &Parts) -> Asked {
    let template = parts.extensions.get::<MatchedPath>();
    let asked = template
        .map(|template| Asked::of(parts.method.as_str(), template.as_str(), parts.uri.path()));
    asked.unwrap_or_default()
}

/// The session's cookie, where one counts, with what tells whose page made the request.
fn presented_session<'p>(parts: &'p Parts, state: &AppState) -> Option<PresentedSession<'p>> {
    if !cookie::counts_at(parts.uri.path()) {
        return None;
    }
    Some(PresentedSession {
        token: cookie::read(&parts.headers)?,
        changes: !parts.method.is_safe(),
        made_by: made_by(parts, state),
    })
}

/// A page's `POST` takes forms alone: its last argument reads the token among the fields.
fn made_by<'p>(parts: &'p Parts, state: &AppState) -> MadeBy<'p> {
    if PageRoute::of(parts) == Some(PageRoute::TakesForm) {
        return MadeBy::Form {
            of_own_origin: is_of_own_origin(&parts.headers, &state.hosts),
        };
    }
    let csrf_token = parts.headers.get("x-csrf-token");
    MadeBy::Script {
        csrf_token: csrf_token.and_then(|token| token.to_str().ok()),
        same_site: is_same_site(&parts.headers, &state.hosts),
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

/// What stands behind `Bearer`. Two headers are refused: which one counts would be a guess.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return if headers.contains_key(AUTHORIZATION) {
            Err(Refusal::InvalidKey)
        } else {
            Ok(None)
        };
    };
    let text = value.to_str().map_err(|_| Refusal::InvalidKey)?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::MissingCredentials);
    }
    Ok(Some(token.trim()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_scheme_is_not_case_sensitive_and_there_is_one_header() {
        assert!(matches!(bearer(&headers(&[])), Ok(None)));
        assert!(matches!(bearer(&headers(&["Bearer x"])), Ok(Some("x"))));
        assert!(matches!(bearer(&headers(&["bearer  x "])), Ok(Some("x"))));
        assert!(matches!(bearer(&headers(&["Bearer"])), Ok(Some(""))));
        assert!(matches!(
            bearer(&headers(&["Basic eDp5"])),
            Err(Refusal::MissingCredentials)
        ));
        assert!(matches!(
            bearer(&headers(&["Bearer x", "Bearer y"])),
            Err(Refusal::InvalidKey)
        ));
    }
}
