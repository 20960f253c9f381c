use axum::extract::State;
use reoclo_api_types::{ExecAnswer, RebootRequest};
use reoclo_control::{Authorized, Control, Reboot, RebootCommand, Refusal};
use reoclo_domain::ServerId;

use super::exec::answer;
use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;

/// 200 once it was accepted, like an exec: its end is told by `status` and `exit_code`.
pub(super) async fn run(
    proof: Authorized<Reboot>,
    State(control): State<Control>,
    JsonBody(request): JsonBody<RebootRequest>,
) -> Result<JsonAnswer<ExecAnswer>, ApiError> {
    let server: ServerId = request
        .server_id
        .parse()
        .map_err(|problem| Refusal::field("server_id", format!("{problem}")))?;
    let context = request.run_context.unwrap_or_default().into_iter();
    let command = RebootCommand {
        timeout_seconds: request.timeout_seconds,
        run_id: request.run_id,
        run_context: context
            .filter_map(|(name, text)| Some((name, text?)))
            .collect(),
    };
    let executed = control.reboot(proof, server, command).await?;
    Ok(JsonAnswer::ok(answer(&executed)))
}
