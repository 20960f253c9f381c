//! Refusals as pages, for people who look at pages.

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use reoclo_api_types::ErrorBody;

use crate::state::AppState;

/// Makes the page that shows a refusal, or that leads on.
pub type RefusalPage = fn(&RefusedRequest<'_>) -> Response;

/// A request for a page that was refused, and why.
#[derive(Clone, Copy, Debug)]
pub struct RefusedRequest<'r> {
    /// The request's method.
    pub method: &'r Method,
    /// The request's path and query.
    pub target: &'r str,
    /// The request's headers.
    pub headers: &'r HeaderMap,
    /// What the answer's status is to be.
    pub status: StatusCode,
    /// The stable name of the refusal.
    pub code: &'r str,
    /// The sentence.
    pub detail: &'r str,
    /// The request, as named in the logs.
    pub request_id: &'r str,
}

/// A request for a page, kept until its answer is known.
pub(crate) struct AskedPage {
    method: Method,
    target: String,
    headers: HeaderMap,
    page: RefusalPage,
}

impl AskedPage {
    /// The request, if a person's browser made it for a page.
    pub(crate) fn of(state: &AppState, request: &Request) -> Option<Self> {
        let page = state.refusal_page?;
        let target = request.uri().path_and_query();
        let for_page = is_page(request.uri().path()) && takes_html(request.headers());
        for_page.then(|| Self {
            method: request.method().clone(),
            target: target.map_or_else(|| "/".to_owned(), ToString::to_string),
            headers: request.headers().clone(),
            page,
        })
    }

    pub(crate) fn refused(&self, status: StatusCode, body: &ErrorBody) -> Response {
        (self.page)(&RefusedRequest {
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
            status,
            code: &body.code,
            detail: &body.detail,
            request_id: &body.request_id,
        })
    }
}

/// Whether people ask there, and not programs.
fn is_page(path: &str) -> bool {
    let programs = ["/api", "/mcp", "/runner"];
    let is_below = |start: &str| {
        path.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !programs.into_iter().any(is_below)
}

fn takes_html(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter();
    values.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.contains("text/html"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_never_shown_pages() {
        for path in ["/", "/servers", "/api-keys/automation", "/mcpx", "/sign-in"] {
            assert!(is_page(path), "{path}");
        }
        for path in ["/api", "/api/servers", "/mcp", "/mcp/auth/me", "/runner/v1"] {
            assert!(!is_page(path), "{path}");
        }
    }
}
