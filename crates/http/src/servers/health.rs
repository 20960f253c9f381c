use axum::extract::State;
use reoclo_api_types::ServerHealthBody;
use reoclo_control::{Authorized, Control, ServerHealth, ServersRead};

use super::metrics::{Values, round};
use crate::answer::Answer;
use crate::error::ApiError;
use crate::path::ItemId;

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Answer<ServerHealthBody>, ApiError> {
    let health = control.servers().health(&proof, &id).await?;
    Ok(Answer(body(&health)))
}

/// Clients send `{}` or nothing, which says the same.
pub(super) async fn check(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Answer<ServerHealthBody>, ApiError> {
    let health = control.servers().check(&proof, &id).await?;
    Ok(Answer(body(&health)))
}

fn body(health: &ServerHealth) -> ServerHealthBody {
    let sample = health.answered.map(|answered| answered.sample);
    let values = Values::of(&sample.unwrap_or_default());
    ServerHealthBody {
        server_id: health.server.id.to_string(),
        status: health.status.into(),
        connected: health.is_connected,
        consecutive_failures: health.consecutive_failures.into(),
        last_latency_ms: health.last_latency_ms().map(round),
        last_check_at: health.last_check_at.map(|at| at.to_string()),
        cpu_percent: values.cpu_percent,
        memory_percent: values.memory_percent,
        disk_percent: values.disk_percent,
        disk_status: health.disk_status().into(),
        message: health.note.clone(),
    }
}
