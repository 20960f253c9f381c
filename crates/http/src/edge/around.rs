//! The one layer around every route.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use reoclo_control::{KeyNotes, Refusal, RequestSource};
use reoclo_domain::masking::masked_shapes;
use reoclo_domain::{ClientSource, RateVerdict, RequestId, WINDOW_SECONDS};
use tracing::Instrument;

use super::{ConnectionInfo, OverTls, Source, cookies};
use crate::body::json_response;
use crate::caller::KnownCaller;
use crate::error::{ApiError, Incomplete, Malformed};
use crate::listener::Standing;
use crate::page::AskedPage;
use crate::sessions::cookie::counts_at;
use crate::state::AppState;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// When the presented key ends, from 14 days before on.
const KEY_EXPIRES: HeaderName = HeaderName::from_static("x-reoclo-key-expires");
/// What a client says that it asks for: `mcp`, when an AI assistant does.
const CLIENT_SOURCE: HeaderName = HeaderName::from_static("x-reoclo-source");
const MAX_USER_AGENT_CHARS: usize = 256;

/// A handler panicked; the panic itself is in the log.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct Panicked;

/// Gives the request an id, refuses a foreign `Host`, notes the source, completes errors.
pub(crate) async fn around(
    State(state): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::new(state.control.clock(), state.control.entropy());
    let connection = request.extensions().get::<ConnectionInfo>().copied();
    // The path alone: a query can hold the token of a set-up link.
    let span = tracing::info_span!(
        "request", %id, method = %request.method(), path = %request.uri().path(),
    );
    let hosted = is_probe(&request)
        || state
            .hosts
            .serves(&request, connection.as_ref(), &state.proxies);
    let is_https =
        request.extensions().get::<OverTls>().is_some() || state.hosts.is_https(&request);
    if counts_at(request.uri().path()) {
        cookies::settle(&state.control, request.headers_mut(), is_https).await;
    }
    let source = source_of(&state, &request, connection.as_ref(), id);
    let may_ask = may_ask(&request, connection.as_ref(), &source);
    request.extensions_mut().insert(source);
    let notes = Arc::<KeyNotes>::default();
    request.extensions_mut().insert(Arc::clone(&notes));
    request.extensions_mut().insert(KnownCaller::default());
    let asked = AskedPage::of(&state, &request);
    let answer = async {
        if !may_ask {
            ApiError::from(Malformed::TooManyConnections).into_response()
        } else if hosted {
            let handled = AssertUnwindSafe(next.run(request)).catch_unwind().await;
            handled.unwrap_or_else(|_| ApiError::from(Refusal::internal(Panicked)).into_response())
        } else {
            ApiError::from(Malformed::Host).into_response()
        }
    };
    let answer = answer.instrument(span.clone()).await;
    let mut response = complete(answer, id, asked.as_ref()).await;
    show_notes(response.headers_mut(), &notes);
    if is_https {
        cookies::secure(response.headers_mut());
    }
    tracing::debug!(parent: &span, status = response.status().as_u16(), "answered");
    response
}

/// Whether the client has not too many requests under way already.
fn may_ask(request: &Request, connection: Option<&ConnectionInfo>, source: &Source) -> bool {
    let standing = request.extensions().get::<Arc<Standing>>();
    match (standing, connection, source.0.ip) {
        (Some(standing), Some(connection), Some(client)) => {
            standing.may_ask(connection.peer.ip(), client)
        }
        _ => true,
    }
}

/// Whatever watches the process knows its address and not its name.
fn is_probe(request: &Request) -> bool {
    matches!(request.uri().path(), "/healthz" | "/readyz")
}

fn source_of(
    state: &AppState,
    request: &Request,
    connection: Option<&ConnectionInfo>,
    id: RequestId,
) -> Source {
    let headers = request.headers();
    let peer = connection.map(|connection| connection.peer.ip());
    Source(RequestSource {
        ip: peer.map(|peer| state.proxies.client_address(peer, headers)),
        user_agent: user_agent(headers),
        via: client_source(headers),
        request_id: Some(id),
    })
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(
        masked_shapes(text)
            .chars()
            .filter(|letter| !letter.is_control())
            .take(MAX_USER_AGENT_CHARS)
            .collect(),
    )
}

/// What cannot be kept is not worth a refusal: clients send it everywhere.
fn client_source(headers: &HeaderMap) -> Option<ClientSource> {
    headers.get(CLIENT_SOURCE)?.to_str().ok()?.parse().ok()
}

fn show_notes(headers: &mut HeaderMap, notes: &KeyNotes) {
    if let Some(verdict) = notes.rate.get() {
        show_rate(headers, verdict);
    }
    if let Some(expires_at) = notes.expires_soon_at.get()
        && let Ok(value) = HeaderValue::from_str(&expires_at.to_string())
    {
        headers.insert(KEY_EXPIRES, value);
    }
}

/// What is left of the key's rate limit (draft-ietf-httpapi-ratelimit-headers).
fn show_rate(headers: &mut HeaderMap, verdict: &RateVerdict) {
    let policy = format!("\"key\";q={};w={WINDOW_SECONDS}", verdict.limit);
    let left = format!(
        "\"key\";r={};t={}",
        verdict.remaining, verdict.reset_seconds
    );
    for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

async fn complete(mut response: Response, id: RequestId, asked: Option<&AskedPage>) -> Response {
    if let Some(Incomplete { code, mut body }) = response.extensions_mut().remove() {
        body.request_id = id.to_string();
        let mut full = if let Some(asked) = asked {
            asked.refused(code, &body).await
        } else {
            let bytes = serde_json::to_vec(&body).unwrap_or_default();
            json_response(response.status(), bytes)
        };
        for (name, value) in response.headers() {
            if name != header::CONTENT_LENGTH && name != header::CONTENT_TYPE {
                full.headers_mut().insert(name.clone(), value.clone());
            }
        }
        response = full;
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
