use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An operation on a server.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationRequest {
    /// The server's id, a UUID.
    pub server_id: String,
}

/// A server to reboot.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RebootRequest {
    /// The server's id, a UUID.
    pub server_id: String,
    /// How long it may take to be back: 60 to 3600 seconds, 600 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// The CI run that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where the run comes from: at most 32 texts of 1 KiB, 4 KiB together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_context: Option<BTreeMap<String, Option<String>>>,
}

/// A reboot that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RebootAnswer {
    /// The operation, which ends when the server is back with a new boot.
    pub operation_id: String,
    /// The same.
    pub job_id: String,
    /// False when the server's reboot command failed at once.
    pub success: bool,
    /// What is going on, in a sentence.
    pub message: String,
}

/// The record of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationBody {
    /// The operation's id.
    pub operation_id: String,
    /// `exec`, `deploy`, `restart`, `reboot`, `registry_login` or `registry_logout`.
    pub operation_type: String,
    /// Where it runs.
    pub server_id: String,
    /// The server's name.
    pub server_name: String,
    /// `running`, `completed`, `failed` or `timeout`.
    pub status: String,
    /// The result, once the operation has ended.
    pub result: Option<OperationResult>,
    /// What the client that began it sent as `X-Reoclo-Source`, such as `mcp`.
    pub source: Option<String>,
    /// The command, with secrets masked.
    pub command: Option<String>,
    /// The CI run that it belongs to.
    pub run_id: Option<String>,
    /// Where the run comes from.
    #[schema(value_type = Option<Object>)]
    pub run_context: Option<serde_json::Value>,
    /// Seconds that the operation may take.
    pub timeout_seconds: u32,
    /// When it was accepted.
    pub started_at: String,
    /// When it ended.
    pub completed_at: Option<String>,
    /// Why it failed: `lost`, `cancelled`, `not_started`, `not_run`, and for registry logins
    /// `login_missing`, `login_remains`, `login_unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The result of an operation that has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationResult {
    /// 124 timeout, 125 not run, 128 + n signal n, 130 cancelled, 255 lost.
    pub exit_code: i32,
    /// The last 64 KiB; bytes that are no UTF-8 are replaced.
    pub stdout: String,
    /// The last 64 KiB; bytes that are no UTF-8 are replaced.
    pub stderr: String,
    /// Whether `stdout` lacks its beginning.
    pub stdout_truncated: bool,
    /// Whether `stderr` lacks its beginning.
    pub stderr_truncated: bool,
    /// Run time of the process itself.
    pub duration_ms: i64,
    /// Processes that the command left running: they go on, and their output is not kept.
    pub left_running: i64,
    /// Others who hold the login that a registry logout therefore left where it is; absent when
    /// there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_held: Option<i64>,
}

/// The operations of one run that an automation key started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnOperationsBody {
    /// The newest 50, the newest first.
    pub items: Vec<OwnOperationItem>,
}

/// An operation in such a list; its own address tells the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OwnOperationItem {
    /// The operation's id.
    pub operation_id: String,
    /// `exec`, `reboot`, `registry_login` or `registry_logout`.
    pub operation_type: String,
    /// `running`, `completed`, `failed` or `timeout`.
    pub status: String,
    /// Where it runs.
    pub server_id: String,
    /// The server's name.
    pub server_name: String,
    /// The run that it belongs to.
    pub run_id: Option<String>,
    /// When it was accepted.
    pub started_at: String,
}
