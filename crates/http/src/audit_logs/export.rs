//! The audit log as a file.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use reoclo_control::{AuditLogExport, AuditLogsRead, Authorized, Control};

use crate::answer::Bytes;
use crate::error::ApiError;

pub(super) async fn export(
    proof: Authorized<AuditLogsRead>,
    State(control): State<Control>,
) -> Result<Bytes, ApiError> {
    let export = control.audit_logs().export(&proof).await?;
    Ok(Bytes(audit_export_answer(export)))
}

/// Sends an export as it is read, at the pace of whoever takes it. One that breaks off is cut off
/// in the answer too, so that nobody takes it for whole.
pub fn audit_export_answer(export: AuditLogExport) -> Response {
    let file = format!("attachment; filename=\"audit-log-{}.jsonl\"", export.last());
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::CONTENT_DISPOSITION, file),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let lines = stream::try_unfold(export, |mut export| async {
        let lines = export.next().await.inspect_err(|error| {
            tracing::error!(?error, "an export broke off");
        })?;
        Ok::<_, reoclo_control::Refusal>(lines.map(|lines| (bytes::Bytes::from(lines), export)))
    });
    (headers, Body::from_stream(lines)).into_response()
}
