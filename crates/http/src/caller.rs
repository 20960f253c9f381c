//! Who makes a request: found out once, and kept for as long as it is answered.

use std::sync::{Arc, OnceLock};

use axum::extract::MatchedPath;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use reoclo_control::{
    Asked, Caller, KeyNotes, MadeBy, Presented, PresentedSession, Refusal, Requirement,
};

use crate::edge::{Source, is_of_own_origin, is_same_site};
use crate::error::ApiError;
use crate::page::PageRoute;
use crate::sessions::cookie;
use crate::state::AppState;

/// Takes the caller of a request, once it is known who that is. The edge puts an empty one in, so
/// that a refusal's page is for the same caller.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownCaller(Arc<OnceLock<Arc<Caller>>>);

impl KnownCaller {
    /// The caller of a request whose route demands this, or another proof before it did.
    ///
    /// Whatever is asked for later is proven of the same caller: it is not looked at again whether
    /// the key or the session is still good, so that no request is let in half.
    pub(crate) async fn of(
        parts: &mut Parts,
        state: &AppState,
        demanded: Requirement,
    ) -> Result<Arc<Caller>, ApiError> {
        let known = parts.extensions.get_or_insert_default::<Self>().clone();
        if let Some(caller) = known.get() {
            return Ok(caller);
        }
        let caller = state.control.identify(presented(parts, state)?, demanded);
        let caller = caller.await?;
        Ok(Arc::clone(known.0.get_or_init(|| caller)))
    }

    /// Whoever was found out to make the request.
    pub(crate) fn get(&self) -> Option<Arc<Caller>> {
        self.0.get().cloned()
    }
}

fn presented<'p>(parts: &'p Parts, state: &AppState) -> Result<Presented<'p>, ApiError> {
    // People look at pages, and what a proxy before us put into the header is not theirs.
    let bearer = match PageRoute::of(parts) {
        Some(_) => None,
        None => bearer(&parts.headers)?,
    };
    let notes = parts.extensions.get::<Arc<KeyNotes>>();
    Ok(Presented {
        bearer,
        session: presented_session(parts, state),
        source: Source::of(parts).0,
        asked: asked(parts),
        notes: notes.cloned().unwrap_or_default(),
    })
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
