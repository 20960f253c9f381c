//! Refusals as pages, for people who look at pages.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, StatusCode, header};
use reoclo_api_types::ErrorBody;
use reoclo_control::{
    Asked, Caller, Control, KeyNotes, MadeBy, OwnSession, Permission, Presented, PresentedSession,
    SessionView,
};
use reoclo_domain::ErrorCode;

use crate::caller::KnownCaller;
use crate::edge::Source;
use crate::error::status_of;
use crate::sessions::cookie;
use crate::state::AppState;

/// Makes the page that shows a refusal, or that leads on.
pub type RefusalPage = for<'r> fn(RefusedRequest<'r>) -> BoxFuture<'r, Response>;

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
    pub code: ErrorCode,
    /// The sentence.
    pub detail: &'r str,
    /// After how many seconds the same may be asked again.
    pub retry_after: Option<u64>,
    /// The request, as named in the logs.
    pub request_id: &'r str,
    source: &'r Source,
    caller: &'r KnownCaller,
    state: &'r AppState,
}

impl RefusedRequest<'_> {
    /// Who is signed in there, for whom the page has its usual frame.
    pub async fn session(&self) -> Option<SessionView> {
        let caller = match self.caller.get() {
            Some(caller) => caller,
            None => self.identify().await?,
        };
        let proof = caller.prove::<OwnSession>().ok()?;
        self.control().sessions().show(&proof).await.ok()
    }

    /// Whoever looks at a page that is not there was not asked who they are.
    async fn identify(&self) -> Option<Arc<Caller>> {
        let token = cookie::read(self.headers)?;
        let presented = Presented {
            bearer: None,
            session: Some(PresentedSession {
                token,
                changes: false,
                made_by: MadeBy::Script {
                    csrf_token: None,
                    same_site: true,
                },
            }),
            source: self.source.0.clone(),
            asked: Asked::default(),
            notes: Arc::<KeyNotes>::default(),
        };
        let demanded = OwnSession::REQUIREMENT;
        self.control().identify(presented, demanded).await.ok()
    }

    /// The use cases.
    pub const fn control(&self) -> &Control {
        self.state.control()
    }
}

/// A request for a page, kept until its answer is known.
pub(crate) struct AskedPage {
    method: Method,
    target: String,
    headers: HeaderMap,
    source: Source,
    caller: KnownCaller,
    state: AppState,
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
            source: request.extensions().get().cloned().unwrap_or_default(),
            caller: request.extensions().get().cloned().unwrap_or_default(),
            state: state.clone(),
            page,
        })
    }

    pub(crate) async fn refused(&self, code: ErrorCode, body: &ErrorBody) -> Response {
        let refused = RefusedRequest {
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
            status: status_of(code),
            code,
            detail: &body.detail,
            retry_after: body.retry_after,
            request_id: &body.request_id,
            source: &self.source,
            caller: &self.caller,
            state: &self.state,
        };
        (self.page)(refused).await
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
