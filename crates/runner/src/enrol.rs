//! Enrolment: the one-time token becomes an identity.

use std::time::Duration;

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reoclo_domain::{OrganizationId, ServerId};
use reoclo_wire::enrolment::{ENROL_PATH, EnrolRefusal, EnrolReply, EnrolRequest};

use crate::dial::{DialError, Dialer};
use crate::retry_after::retry_after;

/// The most bytes of an answer that are read.
const MOST: usize = 64 * 1024;
/// The most characters of a refusal that are shown.
const LONGEST_DETAIL: usize = 500;

/// The control plane will not enrol this server, however often it is asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    /// It said why.
    #[error("the control plane refused to enrol this server: {detail}")]
    Refused {
        /// The control plane's own words.
        detail: String,
        /// Its stable name for the reason.
        code: String,
    },
    /// Something else than a control plane answered.
    #[error("the URL does not seem to be a Reoclo control plane: it answered {0}")]
    Unexpected(StatusCode),
    /// The answer was a success and made no sense.
    #[error("the control plane's answer to the enrolment cannot be understood")]
    Malformed,
}

/// One attempt failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Permanent(EnrolError),
    /// Another attempt may succeed, after the time that the control plane asked for.
    #[error("the control plane cannot enrol this server now: {reason}{}", hint.unwrap_or_default())]
    Temporary {
        reason: String,
        /// What may help.
        hint: Option<&'static str>,
        retry_after: Option<Duration>,
    },
}

impl EnrolError {
    /// Whether it is a control plane's word, as far as anybody can tell who does not know it yet.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

impl Failure {
    fn temporary(error: &dyn std::error::Error) -> Self {
        Self::Temporary {
            reason: crate::run::with_sources(error),
            hint: None,
            retry_after: None,
        }
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        Self::Temporary {
            hint: error.hint(),
            reason: crate::run::with_sources(&error),
            retry_after: None,
        }
    }
}

/// Asks once.
pub(crate) async fn enrol(
    dialer: &Dialer,
    request: &EnrolRequest,
    limit: Duration,
) -> Result<EnrolReply, Failure> {
    tokio::time::timeout(limit, exchange(dialer, request))
        .await
        .map_err(|elapsed| Failure::temporary(&elapsed))?
}

async fn exchange(dialer: &Dialer, request: &EnrolRequest) -> Result<EnrolReply, Failure> {
    let stream = dialer.dial().await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Failure::temporary(&error))?;
    let request = encode(dialer, request)?;
    let answer = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| Failure::temporary(&error))?;
        read(response).await
    };
    let connection = async {
        let _ = connection.await;
        // What is left to say is said by the answer.
        std::future::pending().await
    };
    tokio::select! {
        answer = answer => answer,
        never = connection => never,
    }
}

fn encode(dialer: &Dialer, request: &EnrolRequest) -> Result<Request<Full<Bytes>>, Failure> {
    let address = dialer.address();
    let body = serde_json::to_vec(request).map_err(|error| Failure::temporary(&error))?;
    Request::post(format!("{}{ENROL_PATH}", address.prefix))
        .header(header::HOST, &address.authority)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body))
        .map_err(|error| Failure::temporary(&error))
}

async fn read(response: http::Response<Incoming>) -> Result<EnrolReply, Failure> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MOST)
        .collect()
        .await
        .map_err(|error| Failure::Temporary {
            reason: error.to_string(),
            hint: None,
            retry_after: None,
        })?
        .to_bytes();
    if head.status.is_success() {
        return parse(&body).ok_or(Failure::Permanent(EnrolError::Malformed));
    }
    Err(refusal(&head, &body))
}

fn parse(body: &[u8]) -> Option<EnrolReply> {
    let reply: EnrolReply = serde_json::from_slice(body).ok()?;
    reply.server_id.parse::<ServerId>().ok()?;
    reply.organization_id.parse::<OrganizationId>().ok()?;
    let id = &reply.control_plane_id;
    (!id.is_empty() && id.len() <= 128).then_some(reply)
}

fn refusal(head: &http::response::Parts, body: &[u8]) -> Failure {
    let status = head.status;
    if is_temporary(status) {
        return Failure::Temporary {
            reason: format!("it answered {status}"),
            hint: None,
            retry_after: retry_after(&head.headers),
        };
    }
    match serde_json::from_slice::<EnrolRefusal>(body) {
        // Others answer with a `detail` too.
        Ok(EnrolRefusal { detail, code }) if !code.is_empty() => {
            let detail = detail.chars().filter(|char| !char.is_control());
            Failure::Permanent(EnrolError::Refused {
                detail: detail.take(LONGEST_DETAIL).collect(),
                code,
            })
        }
        _ => Failure::Permanent(EnrolError::Unexpected(status)),
    }
}

fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
}
