use axum::extract::State;
use reoclo_api_types::{ExecAnswer, ExecRequest};
use reoclo_control::{Authorized, Control, Exec, ExecCommand, Executed, Refusal};
use reoclo_domain::ServerId;

use super::result::result;
use crate::answer::Answer;
use crate::body::JsonBody;
use crate::error::ApiError;

/// Always 200 once the command was accepted: its end is told by `status` and `exit_code`.
pub(crate) async fn exec(
    proof: Authorized<Exec>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<ExecRequest>,
) -> Result<Answer<ExecAnswer>, ApiError> {
    let server: ServerId = request
        .server_id
        .parse()
        .map_err(|problem| Refusal::field("server_id", format!("{problem}")))?;
    let executed = control
        .operations()
        .exec(proof, server, command(request))
        .await?;
    Ok(Answer(answer(&executed)))
}

fn command(request: ExecRequest) -> ExecCommand {
    let context = request.run_context.unwrap_or_default();
    ExecCommand {
        command: request.command,
        working_directory: request.working_directory,
        env: request.env.unwrap_or_default(),
        timeout_seconds: request.timeout_seconds,
        mask: request.mask,
        run_id: request.run_id,
        run_context: context
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)))
            .collect(),
    }
}

pub(super) fn answer(executed: &Executed) -> ExecAnswer {
    let operation_id = executed.operation.to_string();
    let Some(outcome) = &executed.outcome else {
        return ExecAnswer {
            operation_id,
            status: "running".into(),
            ..blank()
        };
    };
    let result = result(outcome);
    ExecAnswer {
        operation_id,
        status: outcome.state.as_str().into(),
        exit_code: Some(result.exit_code),
        stdout: Some(result.stdout),
        stderr: Some(result.stderr),
        stdout_truncated: Some(result.stdout_truncated),
        stderr_truncated: Some(result.stderr_truncated),
        duration_ms: Some(result.duration_ms),
        left_running: Some(result.left_running),
        code: outcome.code.clone(),
        message: outcome.message.clone(),
    }
}

fn blank() -> ExecAnswer {
    ExecAnswer {
        operation_id: String::new(),
        status: String::new(),
        exit_code: None,
        stdout: None,
        stderr: None,
        stdout_truncated: None,
        stderr_truncated: None,
        duration_ms: None,
        left_running: None,
        code: None,
        message: None,
    }
}
