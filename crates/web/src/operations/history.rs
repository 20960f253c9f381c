//! What the audit log says of an operation beyond its record.

use reoclo_control::{AuditFilter, AuditItem, AuditLogRequest, AuditLogsRead, Authorized, Control};
use reoclo_domain::OperationId;
use reoclo_http::ApiError;
use serde_json::Value;

use crate::moment::Moment;
use crate::shell::{IfHeld, Shell};
use crate::visible::visible;

/// Whoever asks more often for an end is not the one who did it.
const CANCELS: i64 = 20;

/// How it was started and who wanted it to end. Empty for who may not read the audit log.
#[derive(Default)]
pub(super) struct History {
    pub(super) working_directory: Option<String>,
    /// The names of its variables; their values are nowhere.
    pub(super) variables: Vec<String>,
    pub(super) cancelled: Option<Cancelled>,
}

/// The first who asked for its end.
pub(super) struct Cancelled {
    pub(super) by: String,
    pub(super) at: Moment,
}

impl History {
    pub(super) async fn of(
        control: &Control,
        IfHeld(proof): &IfHeld<AuditLogsRead>,
        shell: &Shell,
        id: OperationId,
    ) -> Result<Self, ApiError> {
        let Some(proof) = proof else {
            return Ok(Self::default());
        };
        let start = rows(control, proof, id, "operation.start", 1).await?;
        let cancels = rows(control, proof, id, "operation.cancel", CANCELS).await?;
        let detail = start.first().map(|item| &item.row.detail);
        Ok(Self {
            working_directory: detail.and_then(working_directory),
            variables: detail.map(variables).unwrap_or_default(),
            cancelled: cancels.last().map(|item| Cancelled {
                by: item.actor_called().unwrap_or_default(),
                at: shell.moment(item.row.at),
            }),
        })
    }
}

async fn rows(
    control: &Control,
    proof: &Authorized<AuditLogsRead>,
    id: OperationId,
    action: &str,
    most: i64,
) -> Result<Vec<AuditItem>, ApiError> {
    let request = AuditLogRequest {
        filter: AuditFilter {
            resource_kind: Some("operation".into()),
            resource_id: Some(id.to_string()),
            action: Some(action.into()),
            ..AuditFilter::default()
        },
        page: 1,
        page_size: most,
        as_of: None,
        before_seq: None,
        most_counted: Some(0),
    };
    Ok(control.audit_logs().list(proof, request).await?.items)
}

fn working_directory(detail: &Value) -> Option<String> {
    let told = detail.get("working_directory").and_then(Value::as_str);
    told.map(visible)
}

fn variables(detail: &Value) -> Vec<String> {
    let names = detail.get("env_names").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(visible).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_row_of_before_does_not_say_is_left_out() {
        let told = json!({ "working_directory": "/srv", "env_names": ["A", "B\u{200b}"] });
        assert_eq!(working_directory(&told).as_deref(), Some("/srv"));
        assert_eq!(variables(&told)[0], "A");
        assert_ne!(variables(&told)[1], "B\u{200b}");
        assert_eq!(
            working_directory(&json!({ "working_directory": null })),
            None
        );
        assert!(variables(&json!({ "env_names": 7 })).is_empty());
    }
}
