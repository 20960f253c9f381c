//! Events as they go over the wire.

use bytes::Bytes;
use reoclo_control::{LogStatus, LogStream};
use reoclo_domain::OperationId;
use serde_json::{Value, json};

use super::cursor::Position;
use crate::error::ApiError;
use crate::operations::result::duration_ms;

/// The most output in one event.
pub(super) const MOST_BYTES: usize = 64 * 1024;

pub(super) fn output(position: Position, stream: LogStream, offset: u64, text: &str) -> Bytes {
    let data = json!({ "stream": stream.as_str(), "offset": offset, "text": text });
    event(position, "output", &data)
}

/// Output that this client was too late for, or that was not kept.
pub(super) fn gap(position: Position, stream: LogStream, offset: u64, next: u64) -> Bytes {
    let data = json!({
        "stream": stream.as_str(),
        "offset": offset,
        "next_offset": next,
        "bytes": next - offset,
    });
    event(position, "gap", &data)
}

pub(super) fn status(position: Position, id: OperationId, status: &LogStatus) -> Bytes {
    let data = json!({
        "operation_id": id.to_string(),
        "status": status.state.as_str(),
        "queued": status.is_queued,
    });
    event(position, "status", &data)
}

pub(super) fn end(position: Position, id: OperationId, status: &LogStatus) -> Bytes {
    let mut data = json!({ "operation_id": id.to_string(), "status": status.state.as_str() });
    if let Some(outcome) = &status.outcome {
        data["exit_code"] = json!(outcome.exit_code);
        data["duration_ms"] = json!(duration_ms(outcome));
        data["left_running"] = json!(outcome.left_running);
        data["code"] = json!(outcome.code);
        data["message"] = json!(outcome.message);
        data["stdout_bytes"] = json!(outcome.stdout.total);
        data["stderr_bytes"] = json!(outcome.stderr.total);
        data["completed_at"] = json!(outcome.completed_at.to_string());
    }
    event(position, "end", &data)
}

/// The caller may not read any further; without an id, since nothing was read.
pub(super) fn refused(refusal: &ApiError) -> Bytes {
    let body = refusal.body();
    let data = json!({ "code": body.code, "detail": body.detail });
    format!("event: error\ndata: {data}\n\n").into()
}

pub(super) fn keepalive() -> Bytes {
    Bytes::from_static(b": keepalive\n\n")
}

/// JSON has no line break outside of its escapes, so the data is one line.
fn event(position: Position, name: &'static str, data: &Value) -> Bytes {
    format!("id: {}\nevent: {name}\ndata: {data}\n\n", position.id()).into()
}
