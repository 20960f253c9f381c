//! Asking for an operation and staying until it has ended.

use std::marker::PhantomData;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use reoclo_control::{Caller, Control, OperationEnd, OperationOutcome, Permission, Refusal};
use reoclo_domain::{ErrorCode, OperationState};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{interval, sleep};
use utoipa::ToSchema;

use super::Recheck;
use crate::answer::{Answer, Answers};
use crate::body::{JsonAnswer, json_response};
use crate::error::{ApiError, status_of};
use crate::query::{QueryReader, QueryText};
use crate::registrar::QueryParameter;
use crate::signature::Answered;

/// Shorter than what the usual proxies take for a dead connection.
const LONGEST_SECONDS: u64 = 55;
/// How often the authorization is checked again.
const RECHECK: Duration = Duration::from_secs(1);
/// When there is no room to wait here, the client waits at home.
const RETRY_SECONDS: u64 = 5;
const EXIT_CODE: HeaderName = HeaderName::from_static("reoclo-exit-code");
const CODE: ErrorCode = ErrorCode::CommandFailed;

/// What the document says of them.
pub(crate) const PARAMETERS: &[QueryParameter] = &[
    (
        "wait",
        "Seconds to wait for the end, at most 55: more counts as 55. 200 once it has ended, 202 \
         while it runs, with `Retry-After` where there are too many waits already: 64 of a key, \
         256 of an address.",
    ),
    (
        "fail",
        "`1`: 424 `command_failed` when it has ended with an exit code other than 0. Without \
         `wait` that is answered at once, and 200 while it runs.",
    ),
];

/// What else is answered.
const ANSWERS: &[(u16, &str)] = &[
    (202, "It runs on; only with `wait`."),
    (
        424,
        "It has ended with an exit code other than 0; only with `fail=1`. The body has \
         `detail`, `code` and `request_id` as well; `operation_code` is the operation's own code.",
    ),
];

/// How a client wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// None without `wait`.
    longest: Option<Duration>,
    fails: bool,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The operation ended, or the time was over.
    Through,
    /// There was no room for it.
    NoRoom,
}

impl Wait {
    /// What the parameters ask for.
    pub(crate) fn read(query: &QueryText) -> Result<Self, Refusal> {
        let mut reader = QueryReader::new(query);
        let longest = reader.read(&["wait"], seconds);
        let fails = reader.read(&["fail"], flag);
        reader.finish()?;
        Ok(Self {
            longest,
            fails: fails.unwrap_or(false),
        })
    }

    /// Whether the client wants to wait at all.
    pub(crate) const fn is_wanted(self) -> bool {
        self.longest.is_some()
    }

    /// Waits for the end; refuses as soon as the caller may not ask for it any more.
    pub(crate) async fn until<P: Permission>(
        self,
        mut end: OperationEnd,
        caller: &Caller,
        recheck: &Recheck<P>,
        control: &Control,
    ) -> Result<Waited, ApiError> {
        let Some(_place) = control.operations().wait_place(caller) else {
            return Ok(Waited::NoRoom);
        };
        let mut checks = interval(RECHECK);
        checks.reset();
        let time = sleep(self.longest.unwrap_or_default());
        tokio::pin!(time);
        loop {
            tokio::select! {
                biased;
                reached = end.reached() => {
                    reached?;
                    break;
                }
                () = &mut time => break,
                // The client asks the process that follows this one.
                () = control.drain().begun() => break,
                _ = checks.tick() => recheck.check().await?,
            }
        }
        Ok(Waited::Through)
    }
}

/// More than the longest counts as that, however many digits it has.
fn seconds(text: &str) -> Result<Duration, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "must be a whole number of seconds from 0 to {LONGEST_SECONDS}"
        ));
    }
    let seconds = text.parse().unwrap_or(LONGEST_SECONDS);
    Ok(Duration::from_secs(seconds.min(LONGEST_SECONDS)))
}

fn flag(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("must be 1 or 0".into()),
    }
}

/// An operation as it stands, for a client who may wait for its end.
#[derive(Debug)]
pub(crate) struct Waiting<B> {
    response: Response,
    body: PhantomData<fn() -> B>,
}

impl<B> IntoResponse for Waiting<B> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<B: Serialize + ToSchema> Answers for Waiting<B> {
    fn answered() -> Answered {
        Answered {
            others: ANSWERS,
            ..Answer::<B>::answered()
        }
    }
}

/// The answer with the operation as it stands.
pub(crate) fn answer<B: Serialize>(
    wait: Wait,
    waited: Option<Waited>,
    caller: &Caller,
    outcome: Option<&OperationOutcome>,
    body: B,
) -> Waiting<B> {
    Waiting {
        response: respond(wait, waited, caller, outcome, body),
        body: PhantomData,
    }
}

fn respond<T: Serialize>(
    wait: Wait,
    waited: Option<Waited>,
    caller: &Caller,
    outcome: Option<&OperationOutcome>,
    body: T,
) -> Response {
    let Some(outcome) = outcome else {
        let status = if wait.is_wanted() {
            StatusCode::ACCEPTED
        } else {
            StatusCode::OK
        };
        let mut running = JsonAnswer(status, body).into_response();
        if waited == Some(Waited::NoRoom) {
            let seconds = HeaderValue::from(RETRY_SECONDS);
            running.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        return running;
    };
    let code = exit_code(outcome);
    let mut ended = if code != 0 && wait.fails {
        failed(caller, outcome, code, body)
    } else {
        Answer(body).into_response()
    };
    ended
        .headers_mut()
        .insert(EXIT_CODE, HeaderValue::from(code));
    ended
}

/// What did not complete has failed, whatever its code says.
fn exit_code(outcome: &OperationOutcome) -> i32 {
    match (outcome.state, outcome.exit_code) {
        (OperationState::Completed, code) => code,
        (_, 0) => 1,
        (_, code) => code,
    }
}

/// The operation with what every error has.
fn failed<T: Serialize>(
    caller: &Caller,
    outcome: &OperationOutcome,
    exit_code: i32,
    body: T,
) -> Response {
    let mut body = match serde_json::to_value(body) {
        Ok(body) => body,
        Err(error) => return ApiError::from(Refusal::internal(error)).into_response(),
    };
    let detail = match &outcome.message {
        Some(message) => format!("the operation failed with exit code {exit_code}: {message}"),
        None => format!("the command ended with exit code {exit_code}: see its output"),
    };
    let request_id = caller.source().request_id.map(|id| id.to_string());
    if let Some(fields) = body.as_object_mut() {
        let own = outcome.code.clone().map_or(Value::Null, Value::from);
        fields.insert("operation_code".into(), own);
        fields.insert("detail".into(), detail.into());
        fields.insert("code".into(), CODE.as_str().into());
        fields.insert("request_id".into(), request_id.into());
    }
    json_response(status_of(CODE), body.to_string())
}
