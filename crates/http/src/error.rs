//! The one place where refusals become HTTP.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use reoclo_api_types::ErrorBody;
use reoclo_control::Refusal;
use reoclo_domain::{ErrorCode, OperationKind};

/// What a handler or an extractor answers instead of success.
#[derive(Debug)]
pub enum ApiError {
    /// A use case refused.
    Refused(Refusal),
    /// The request was not what the route takes.
    Malformed(Malformed),
}

/// Refusals of the transport, which no use case knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It is not HTTP that we understand.
    BadRequest(&'static str),
    /// Nothing is served there.
    UnknownPath,
    /// The path does not take the method.
    Method,
    /// The body is not JSON.
    MediaType,
    /// The body is not a form.
    FormMediaType,
    /// The `Host` is none of ours.
    Host,
    /// Too many requests of that address are under way that show no credential.
    TooManyConnections,
    /// The body is larger than `limit` bytes.
    TooLarge {
        /// In bytes.
        limit: usize,
    },
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Malformed> for ApiError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl ApiError {
    /// The stable name of the error.
    pub(crate) const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Malformed(malformed) => malformed.code(),
        }
    }

    pub(crate) fn body(&self) -> ErrorBody {
        match self {
            Self::Refused(refusal) => body_of(refusal),
            Self::Malformed(malformed) => ErrorBody {
                detail: malformed.detail(),
                code: malformed.code().as_str().into(),
                retry_after: malformed.retry_after(),
                ..ErrorBody::default()
            },
        }
    }
}

/// The status of a code; each has one.
pub(crate) fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn body_of(refusal: &Refusal) -> ErrorBody {
    let mut body = ErrorBody {
        detail: refusal.to_string(),
        code: refusal.code().as_str().into(),
        retry_after: refusal.retry_after(),
        ..ErrorBody::default()
    };
    match refusal {
        Refusal::PermissionDenied { missing } => body.missing = Some(missing.to_string()),
        Refusal::OperationNotAllowed { allowed, .. } => {
            let names = allowed.iter().map(OperationKind::as_str).map(str::to_owned);
            body.allowed_operations = Some(names.collect());
        }
        Refusal::InvalidRequest(invalid) => {
            body.fields = Some(invalid.fields().clone());
            body.operation_id = invalid.operation().map(|id| id.to_string());
        }
        _ => {}
    }
    body
}

/// Seconds after which requests of an address have ended.
const RETRY_AFTER: u64 = 5;

impl Malformed {
    const fn code(self) -> ErrorCode {
        match self {
            Self::BadRequest(_) => ErrorCode::BadRequest,
            Self::UnknownPath => ErrorCode::NotFound,
            Self::Method => ErrorCode::MethodNotAllowed,
            Self::MediaType | Self::FormMediaType => ErrorCode::UnsupportedMediaType,
            Self::Host => ErrorCode::UnknownHost,
            Self::TooManyConnections => ErrorCode::TooManyConnections,
            Self::TooLarge { .. } => ErrorCode::PayloadTooLarge,
        }
    }

    const fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooManyConnections => Some(RETRY_AFTER),
            _ => None,
        }
    }

    fn detail(self) -> String {
        match self {
            Self::BadRequest(what) => what.into(),
            Self::UnknownPath => "there is nothing at this path: see /api/openapi.json".into(),
            Self::Method => "this path does not take that method: see the Allow header".into(),
            Self::MediaType => "send the body as `Content-Type: application/json`".into(),
            Self::FormMediaType => {
                "send the form as `Content-Type: application/x-www-form-urlencoded`".into()
            }
            Self::Host => "this Host is not served here: start Reoclo with --public-url set to \
                           the address that you use"
                .into(),
            Self::TooManyConnections => "too many requests of your address are under way without \
                                         a credential: try again in 5 seconds"
                .into(),
            Self::TooLarge { limit } => {
                format!(
                    "the body is larger than {} KiB, the most that is taken",
                    limit / 1024
                )
            }
        }
    }
}

/// An error whose body still lacks its request id; the edge completes it.
#[derive(Clone, Debug)]
pub(crate) struct Incomplete {
    pub(crate) code: ErrorCode,
    pub(crate) body: ErrorBody,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Refused(
            refusal @ (Refusal::Internal(_)
            | Refusal::Unavailable(_)
            | Refusal::AuditUnavailable(_)),
        ) = &self
            && !refusal.is_of_an_outage()
        {
            tracing::error!(error = %chain(refusal), "request failed");
        }
        let (code, body) = (self.code(), self.body());
        let status = status_of(code);
        let mut response = status.into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = body.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Incomplete { code, body });
        response
    }
}

/// An error with all its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use reoclo_domain::{RateVerdict, counted};

    use super::*;

    fn too_often() -> [ApiError; 5] {
        let verdict = RateVerdict {
            allowed: false,
            limit: 60,
            remaining: 0,
            reset_seconds: 0,
        };
        let (limit, queued) = (64, 256);
        [
            Refusal::RateLimited(verdict).into(),
            Refusal::TooManyAttempts { retry_after: 0 }.into(),
            Refusal::TooManyAttempts { retry_after: 540 }.into(),
            Refusal::ServerBusy { limit, queued }.into(),
            Malformed::TooManyConnections.into(),
        ]
    }

    #[test]
    fn whoever_asks_too_often_is_told_when_to_come_again() {
        for error in too_often() {
            let (code, body) = (error.code(), error.body());
            assert_eq!(code.status(), 429);
            assert_eq!(body.code, code.as_str());
            let answer = error.into_response();
            assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
            let seconds = body.retry_after.unwrap();
            assert!(seconds > 0, "{}", body.code);
            let header = answer.headers()[header::RETRY_AFTER].to_str().unwrap();
            assert_eq!(header, seconds.to_string());
            let when = format!("try again in {}", counted(seconds, "second"));
            assert!(body.detail.contains(&when), "{}", body.detail);
        }
    }
}
