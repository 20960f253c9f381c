//! JSON in and out.

mod problem;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use reoclo_control::{InvalidFields, Refusal};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::Duration;

use crate::error::{ApiError, Malformed};
use crate::listener::NoRoomError;
use crate::public::Public;
use crate::state::AppState;
use problem::problem;

/// The largest body that any route takes.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The largest body of a request that needs no credential: what forms and enrolments have, and not
/// what many strangers could fill the memory with.
const MAX_PUBLIC_BODY_BYTES: usize = 8 * 1024;
/// A body beyond the limit is read on up to this, so that the client sees the answer and not a
/// broken connection.
const MAX_DISCARDED_BYTES: usize = 64 * 1024 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// A JSON body; as the last argument of a handler it is read after the authorization.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(Malformed::MediaType.into());
        }
        let bytes = read(request).await?;
        parse(&bytes)
            .map(Self)
            .map_err(|invalid| Refusal::InvalidRequest(invalid).into())
    }
}

/// A JSON body that may be left out, with or without its content type: clients send either.
#[derive(Debug)]
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<AppState> for OptionalJsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request).await?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        if !is_json {
            return Err(Malformed::MediaType.into());
        }
        parse(&bytes)
            .map(Self)
            .map_err(|invalid| Refusal::InvalidRequest(invalid).into())
    }
}

/// The body of a request that takes none: a field that somebody relies on must not be ignored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoBody;

#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl FromRequest<AppState> for NoBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        OptionalJsonBody::<Nothing>::from_request(request, state).await?;
        Ok(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let kind = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

pub(crate) async fn read(request: Request) -> Result<Bytes, ApiError> {
    let limit = match request.extensions().get::<Public>() {
        Some(_) => MAX_PUBLIC_BODY_BYTES,
        None => MAX_BODY_BYTES,
    };
    let mut body = request.into_body();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unreadable(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > limit {
            drop(bytes);
            discard(body).await;
            return Err(Malformed::TooLarge { limit }.into());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

fn unreadable(error: &axum::Error) -> ApiError {
    let source = error.source();
    if source.is_some_and(<dyn Error>::is::<NoRoomError>) {
        return Refusal::Busy.into();
    }
    Malformed::BadRequest("the body ended too early").into()
}

async fn discard(mut body: Body) {
    let all = async {
        let mut left = MAX_DISCARDED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let len = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(len) else {
                return;
            };
            left = rest;
        }
    };
    // Whether it ended or not, the answer is the same.
    let _ = tokio::time::timeout(DISCARD_TIME, all).await;
}

/// Reads JSON; what is wrong is named by the field's path where there is one.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InvalidFields> {
    // A list would be read field by field in the order of the type, which is nobody's contract.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(InvalidFields::one("body", "must be a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        problem(&path, error.inner())
    })?;
    reader.end().map_err(|error| problem(".", &error))?;
    Ok(value)
}

/// A JSON answer, with whatever status: handlers answer with the types of `answer`.
#[derive(Debug)]
pub(crate) struct JsonAnswer<T>(pub(crate) StatusCode, pub(crate) T);

impl<T: Serialize> IntoResponse for JsonAnswer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.1) {
            Ok(bytes) => json_response(self.0, bytes),
            Err(error) => ApiError::from(Refusal::internal(error)).into_response(),
        }
    }
}

pub(crate) fn json_response(status: StatusCode, bytes: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, bytes.into()).into_response()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Sample {
        name: String,
        count: Option<i64>,
        env: Option<BTreeMap<String, String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Strict {
        name: String,
    }

    fn problem_of<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        parse::<T>(json.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_problem_names_its_field() {
        assert_eq!(problem_of::<Sample>("{}"), "name is missing");
        assert_eq!(problem_of::<Sample>(r#"{"name":1}"#), "name must be a text");
        let wrong = r#"{"name":"a","env":{"A":1}}"#;
        assert_eq!(problem_of::<Sample>(wrong), "env.A must be a text");
        assert!(problem_of::<Sample>(r#"{"name":"a"} x"#).starts_with("body is not valid JSON"));
        for text in ["", " ", "[1", r#"["a"]"#, r#""text""#, "null"] {
            assert_eq!(problem_of::<Sample>(text), "body must be a JSON object");
        }
        let unknown = problem_of::<Strict>(r#"{"name":"a","nmae":"b"}"#);
        assert_eq!(unknown, "nmae is not a field of this request");
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused_without_a_panic(bytes: Vec<u8>) {
            let _ = parse::<Sample>(&bytes);
        }
    }
}
