//! Whether a page of ours made the request, by the headers that browsers do not let pages write.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use reoclo_control::Refusal;

use super::Hosts;
use crate::error::ApiError;
use crate::state::AppState;

/// Handlers that change something without a credential take this: a page elsewhere must not sign
/// its visitor in to an account that is not theirs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SameSite;

impl FromRequestParts<AppState> for SameSite {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if is_same_site(&parts.headers, &state.hosts) {
            Ok(Self)
        } else {
            Err(Refusal::CsrfFailed.into())
        }
    }
}

/// No header says otherwise: programs that are no browsers send neither.
pub(crate) fn is_same_site(headers: &HeaderMap, hosts: &Hosts) -> bool {
    let fetched = headers.get_all("sec-fetch-site").iter();
    let origins = headers.get_all(header::ORIGIN).iter();
    let mut fetched_here = fetched.map(|value| value == "same-origin" || value == "none");
    let mut of_ours = origins.map(|value| {
        value
            .to_str()
            .is_ok_and(|origin| hosts.is_origin(origin, headers))
    });
    fetched_here.all(|here| here) && of_ours.all(|ours| ours)
}

/// As [`is_same_site`], and the browser named our origin: what every form of ours does.
pub(crate) fn is_of_own_origin(headers: &HeaderMap, hosts: &Hosts) -> bool {
    headers.contains_key(header::ORIGIN) && is_same_site(headers, hosts)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn same(host: &'static str, more: &[(&'static str, &'static str)]) -> bool {
        let hosts = Hosts::of_public_url("https://app.example.com").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static(host));
        for (name, value) in more {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        is_same_site(&headers, &hosts)
    }

    #[test]
    fn only_this_origin_is_the_same_site() {
        let host = "app.example.com";
        assert!(same(host, &[]));
        assert!(same(host, &[("origin", "https://app.example.com")]));
        assert!(same(host, &[("origin", "https://APP.example.com:443")]));
        assert!(same(host, &[("sec-fetch-site", "same-origin")]));
        assert!(same(host, &[("sec-fetch-site", "none")]));
        for wrong in [
            "null",
            "",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "https://evil.example",
            "https://x@app.example.com",
            "https://app.example.com/",
        ] {
            assert!(!same(host, &[("origin", wrong)]), "{wrong}");
        }
        for wrong in ["cross-site", "same-site", ""] {
            assert!(!same(host, &[("sec-fetch-site", wrong)]), "{wrong}");
        }
        let both = [
            ("origin", "https://app.example.com"),
            ("origin", "https://evil.example"),
        ];
        assert!(!same(host, &both));
    }

    #[test]
    fn on_loopback_the_origin_is_the_host_that_was_asked() {
        let host = "127.0.0.1:7676";
        assert!(same(host, &[("origin", "http://127.0.0.1:7676")]));
        assert!(!same(host, &[("origin", "http://127.0.0.1:7677")]));
        assert!(!same(host, &[("origin", "http://localhost:7676")]));
    }
}
