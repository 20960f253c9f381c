use axum::extract::State;
use axum::response::Response;
use reoclo_control::{AuditLogsRead, Authorized, Control};
use reoclo_http::{ApiError, audit_export_answer};

/// As the API has it; what is refused becomes a page.
pub(super) async fn download(
    proof: Authorized<AuditLogsRead>,
    State(control): State<Control>,
) -> Result<Response, ApiError> {
    let export = control.audit_logs().export(&proof).await?;
    Ok(audit_export_answer(export))
}
