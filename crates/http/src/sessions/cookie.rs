//! The cookie that carries a session.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use reoclo_control::{Control, Refusal, SignedIn};

use crate::error::ApiError;

/// The cookie's name, but for browsers under https.
pub(crate) const NAME: &str = "reoclo_session";
/// More of one name than a browser keeps for a site, whoever planted them.
pub(crate) const MOST: usize = 256;

/// The session's token as it came.
#[derive(Clone)]
pub struct SessionCookie(
    /// Never shown or logged, hence no `Debug`.
    pub String,
);

impl<S: Sync> FromRequestParts<S> for SessionCookie {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match read(&parts.headers) {
            Some(token) => Ok(Self(token.to_owned())),
            None => Err(Refusal::SessionExpired.into()),
        }
    }
}

/// The cookie's value. Two that differ are none; the edge has left one where it could tell.
pub fn read(headers: &HeaderMap) -> Option<&str> {
    let mut values = values(headers, NAME);
    let first = values.next()?;
    values.all(|other| other == first).then_some(first)
}

/// The values of every cookie of that name, in their order.
pub(crate) fn values<'h>(headers: &'h HeaderMap, name: &'h str) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs.filter_map(move |pair| {
        let (given, value) = pair.trim().split_once('=')?;
        (given == name).then_some(value)
    })
}

/// Whether a cookie counts there: never where programs call (rule 10).
pub(crate) fn counts_at(path: &str) -> bool {
    let program = ["/api/automation/", "/mcp/", "/runner/"];
    path != "/mcp" && !program.iter().any(|prefix| path.starts_with(prefix))
}

/// Keeps a session's token in the browser until the session ends.
pub fn of_session(control: &Control, signed_in: &SignedIn) -> HeaderValue {
    let seconds = signed_in.session.expires_at.since(control.clock().now());
    set(signed_in.token.expose(), seconds.as_secs())
}

/// Takes the token away.
pub fn of_nobody(_: &Control) -> HeaderValue {
    set("", 0)
}

/// Out of reach of scripts and of other sites' forms. Under https the edge adds what belongs there.
fn set(token: &str, seconds: u64) -> HeaderValue {
    set_as(NAME, token, seconds)
}

/// The same for another cookie of ours.
pub(super) fn set_as(name: &str, token: &str, seconds: u64) -> HeaderValue {
    let cookie = format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax");
    let mut value = HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(lines: &[&'static str]) -> Option<String> {
        let headers = lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_static(line)))
            .collect();
        read(&headers).map(str::to_owned)
    }

    #[test]
    fn the_cookie_is_found_among_others_and_is_unambiguous() {
        assert_eq!(read_from(&[]), None);
        assert_eq!(read_from(&["a=b; reoclo_session=x"]).unwrap(), "x");
        assert_eq!(read_from(&["a=b", "reoclo_session=x;c=d"]).unwrap(), "x");
        assert_eq!(read_from(&["xreoclo_session=x"]), None);
        assert_eq!(read_from(&["reoclo_session=x; reoclo_session=y"]), None);
    }

    #[test]
    fn programs_have_no_cookies() {
        for path in ["/", "/api/servers", "/api/auth/session", "/mcpx"] {
            assert!(counts_at(path), "{path}");
        }
        for path in [
            "/mcp",
            "/mcp/tenants/1/servers",
            "/api/automation/v1/exec",
            "/runner/v1/connect",
        ] {
            assert!(!counts_at(path), "{path}");
        }
    }
}
