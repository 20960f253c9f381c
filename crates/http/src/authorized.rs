//! The proof of authorization as the first argument of a handler.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use reoclo_control::{Authorized, Permission, Presented, RateNote, Refusal};

use crate::edge::Source;
use crate::error::ApiError;
use crate::state::AppState;

impl<P: Permission> FromRequestParts<AppState> for Authorized<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let source = Source::of(parts).0;
        let bearer = bearer(&parts.headers)?;
        let rate = parts
            .extensions
            .get::<RateNote>()
            .cloned()
            .unwrap_or_default();
        let presented = Presented {
            bearer,
            source,
            rate,
        };
        Ok(state.control.authorize::<P>(presented).await?)
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
