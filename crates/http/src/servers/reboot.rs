use axum::extract::State;
use reoclo_api_types::RebootAnswer;
use reoclo_control::{Authorized, Control, Executed, ServersExecute};
use reoclo_domain::OperationState;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::path::ItemId;

/// Takes no body.
pub(super) async fn reboot(
    proof: Authorized<ServersExecute>,
    State(control): State<Control>,
    ItemId(server): ItemId,
) -> Result<Answer<RebootAnswer>, ApiError> {
    let executed = control.operations().reboot_server(proof, &server).await?;
    Ok(Answer(answer(&executed)))
}

fn answer(executed: &Executed) -> RebootAnswer {
    let operation_id = executed.operation.to_string();
    let outcome = executed.outcome.as_ref();
    let success = outcome.is_none_or(|outcome| outcome.state == OperationState::Completed);
    let message = outcome.and_then(|outcome| outcome.message.clone());
    RebootAnswer {
        job_id: operation_id.clone(),
        operation_id,
        success,
        message: message.unwrap_or_else(|| "the server is rebooting".into()),
    }
}
