use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A page of the audit log, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditLogPage {
    /// The rows.
    pub items: Vec<AuditLogItem>,
    /// How many rows fit the filters, on all pages.
    pub total: i64,
    /// Which page it is, from 1.
    pub page: i64,
    /// The most rows that it could have.
    pub page_size: i64,
    /// The newest row of the log when the first page was read. Sent back with the next page, it
    /// leaves out the rows that were added since.
    pub as_of: i64,
    /// Sent back as `before_seq`, it gets the rows that follow; null at the end.
    pub next_before_seq: Option<i64>,
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditLogItem {
    /// Its id.
    pub id: String,
    /// Its place in the organization's log, from 1 without gaps.
    pub seq: i64,
    /// The id of the person, key or runner that did it, or `system`.
    pub actor_id: String,
    /// `user`, `integration_key`, `automation_key`, `runner` or `system`.
    pub actor_type: String,
    /// The person's e-mail address; of a key or a runner, its name or its server's at that time.
    pub actor_email: Option<String>,
    /// The name of the person, or the label of the key, at that time.
    pub actor_name: String,
    /// What was done.
    pub action: String,
    /// What kind of thing it was done to.
    pub resource_type: String,
    /// That thing's id.
    pub resource_id: Option<String>,
    /// That thing's name at that time; an operation goes by the name of its server.
    pub resource_name: Option<String>,
    /// The server that it is about or happened on.
    pub server_id: Option<String>,
    /// That server's name at that time.
    pub server_name: Option<String>,
    /// `success`, `failure`, `refused`, or `intent`: what was about to be done.
    pub outcome: String,
    /// The client's address.
    pub ip: Option<String>,
    /// What the client called itself.
    pub user_agent: Option<String>,
    /// What the client sent as `X-Reoclo-Source`, such as `mcp`; cut to a short plain word.
    pub source: Option<String>,
    /// The request, as named in answers and logs.
    pub request_id: Option<String>,
    /// What else is worth knowing; depends on the action.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// When it happened.
    pub created_at: String,
}

/// Verifies the organization's audit log.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyAuditLogRequest {
    /// The last line of an export: the log has to go on from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub checkpoint: Option<Value>,
}

/// What a verification of the audit log found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditLogVerification {
    /// Whether nothing is wrong, neither with the log nor with the checkpoint.
    pub intact: bool,
    /// How many rows are good, from the first on: also the number of the last good row.
    pub rows: i64,
    /// The hash of the last good row, in hexadecimal.
    pub head: String,
    /// How many checkpoints the log was held against.
    pub checkpoints: usize,
    /// How long it took.
    pub duration_ms: i64,
    /// The first thing that is wrong with the log; null when nothing is.
    pub fault: Option<AuditLogFault>,
    /// Why the log was not held against the checkpoint; it was verified all the same.
    pub checkpoint_fault: Option<CheckpointFault>,
}

/// What is wrong with a checkpoint. It says nothing about the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckpointFault {
    /// `changed` or `of_another_log`.
    pub kind: String,
    /// The same as a sentence.
    pub message: String,
}

/// The first thing that is wrong with an audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditLogFault {
    /// The number of the row that is wrong or missing.
    pub seq: i64,
    /// That row's id, when it can be read.
    pub id: Option<String>,
    /// `missing`, `changed`, `unreadable`, `behind_head`, `head_missing`, `head_changed`,
    /// `checkpoint` or `extra`.
    pub kind: String,
    /// The same as a sentence.
    pub message: String,
}
