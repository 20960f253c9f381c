use axum::extract::State;
use reoclo_api_types::{ExecAnswer, RebootRequest};
use reoclo_control::{Authorized, Control, Reboot, RebootCommand};

use super::exec::answer;
use super::registry_auth::{run_note, server};
use crate::answer::Answer;
use crate::body::JsonBody;
use crate::error::ApiError;

/// 200 once it was accepted, like an exec: its end is told by `status` and `exit_code`.
pub(crate) async fn reboot(
    proof: Authorized<Reboot>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<RebootRequest>,
) -> Result<Answer<ExecAnswer>, ApiError> {
    let server = server(&request.server_id)?;
    let command = RebootCommand {
        timeout_seconds: request.timeout_seconds,
        run: run_note(request.run_id, request.run_context),
    };
    let executed = control.operations().reboot(proof, server, command).await?;
    Ok(Answer(answer(&executed)))
}
