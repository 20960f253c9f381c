//! `POST /api/servers/{id}/exec`: a command and its end in one answer.
//!
//! The clients of this route do not poll, and give up when no head has come after 30 seconds or
//! nothing for five minutes (clients.md 1.5). So the head comes early, and then a blank now and then.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::StatusCode;
use reoclo_api_types::{ServerExecAnswer, ServerExecRequest};
use reoclo_control::{
    Authorized, Awaited, Control, ExecCommand, OperationOutcome, Refusal, ServersExecute,
    refuse_late,
};
use reoclo_domain::{EXIT_LOST, ErrorCode};
use tokio::time::timeout;

use crate::answer::{Answer, Answers};
use crate::body::{JsonBody, json_response};
use crate::error::ApiError;
use crate::operations::result;
use crate::path::ItemId;
use crate::signature::Answered;

/// A command that ends within this is answered with its length, and its refusals with their codes.
const QUICK: Duration = Duration::from_secs(1);
/// Between two blanks.
const TRICKLE: Duration = Duration::from_secs(15);
/// Before JSON, it means nothing.
const BLANK: Bytes = Bytes::from_static(b" ");

pub(super) async fn exec(
    proof: Authorized<ServersExecute>,
    State(control): State<Control>,
    ItemId(server): ItemId,
    JsonBody(request): JsonBody<ServerExecRequest>,
) -> Result<EarlyHead, ApiError> {
    let scope = request.scope.clone();
    let command = command(request);
    let awaited = control
        .operations()
        .exec_on_server(proof, &server, scope.as_deref(), command)
        .await
        .map_err(in_our_words)?;
    let Ok(ended) = timeout(QUICK, awaited.ended()).await else {
        return Ok(EarlyHead::Trickles(awaited));
    };
    if let Some(outcome) = &ended {
        refuse_late(awaited.operation, outcome)?;
    }
    Ok(EarlyHead::Ended(answer(&awaited, ended.as_deref())))
}

/// An answer whose head does not wait for its body.
pub(super) enum EarlyHead {
    /// It was quick.
    Ended(ServerExecAnswer),
    /// It is sent when it is there.
    Trickles(Awaited),
}

impl IntoResponse for EarlyHead {
    fn into_response(self) -> Response {
        match self {
            Self::Ended(answer) => Answer(answer).into_response(),
            Self::Trickles(awaited) => {
                json_response(StatusCode::OK, Body::from_stream(trickle(awaited)))
            }
        }
    }
}

impl Answers for EarlyHead {
    fn answered() -> Answered {
        Answer::<ServerExecAnswer>::answered()
    }
}

fn command(request: ServerExecRequest) -> ExecCommand {
    ExecCommand {
        command: request.command,
        working_directory: request.working_directory,
        env: request.env.unwrap_or_default(),
        timeout_seconds: request.timeout,
        mask: request.mask,
        ..ExecCommand::default()
    }
}

/// The request calls the time limit by another name.
fn in_our_words(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::InvalidRequest(invalid) => {
            Refusal::InvalidRequest(invalid.renamed("timeout_seconds", "timeout"))
        }
        other => other,
    }
}

/// A blank at once, so that the head goes out, then one every while, then the answer.
fn trickle(awaited: Awaited) -> impl Stream<Item = serde_json::Result<Bytes>> + Send + 'static {
    stream::try_unfold(
        (awaited, Some(Duration::ZERO)),
        |(awaited, wait)| async move {
            let Some(wait) = wait else { return Ok(None) };
            match timeout(wait, awaited.ended()).await {
                Err(_) => Ok(Some((BLANK, (awaited, Some(TRICKLE))))),
                Ok(ended) => {
                    let text = serde_json::to_vec(&answer(&awaited, ended.as_deref()))?;
                    Ok(Some((text.into(), (awaited, None))))
                }
            }
        },
    )
}

fn answer(awaited: &Awaited, ended: Option<&OperationOutcome>) -> ServerExecAnswer {
    let operation_id = awaited.operation.to_string();
    let Some(outcome) = ended else {
        return unknown(operation_id);
    };
    let result = result::result(outcome);
    ServerExecAnswer {
        operation_id,
        status: outcome.state.as_str().into(),
        exit_code: result.exit_code,
        stdout: result.stdout,
        stderr: result.stderr,
        truncated: result.stdout_truncated || result.stderr_truncated,
        duration_ms: result.duration_ms,
        left_running: result.left_running,
        code: outcome.code.clone(),
        message: outcome.message.clone(),
    }
}

/// The process stops and the command goes on.
fn unknown(operation_id: String) -> ServerExecAnswer {
    let message = format!(
        "Reoclo is shutting down and the command goes on: see its end at \
         /api/operations/{operation_id}"
    );
    ServerExecAnswer {
        operation_id,
        status: "running".into(),
        exit_code: EXIT_LOST,
        stdout: String::new(),
        stderr: format!("reoclo: {message}\n"),
        truncated: false,
        duration_ms: 0,
        left_running: 0,
        code: Some(ErrorCode::ShuttingDown.as_str().into()),
        message: Some(message),
    }
}
