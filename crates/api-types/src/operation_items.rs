use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An operation as the organization's people and integration keys see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationItem {
    /// The operation's id.
    pub id: String,
    /// The same, by the name that it has elsewhere.
    pub operation_id: String,
    /// `exec`, `deploy`, `restart`, `reboot`, `registry_login` or `registry_logout`.
    pub operation_type: String,
    /// Where it runs.
    pub server_id: String,
    /// The server's name.
    pub server_name: String,
    /// `running`, `completed`, `failed` or `timeout`.
    pub status: String,
    /// Whether it waits for room on its server; its status is `running` meanwhile.
    pub queued: bool,
    /// Since when somebody wants it to end.
    pub cancel_requested_at: Option<String>,
    /// Who started it.
    pub starter: StarterBody,
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
    /// The result, once the operation has ended.
    pub result: Option<OperationItemResult>,
    /// Why it failed: `lost`, `cancelled`, `not_started`, `not_run`, `queue_timeout`, and for
    /// registry logins `login_missing`, `login_remains`, `login_unknown`.
    pub code: Option<String>,
    /// The same in a sentence.
    pub message: Option<String>,
    /// Whether output is left out because the caller lacks `logs:read`.
    pub output_hidden: bool,
}

/// Who started an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StarterBody {
    /// `user`, `integration_key`, `automation_key` or `system`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the key or person.
    pub id: Option<String>,
    /// Its name when the operation was started.
    pub name: String,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationItemResult {
    /// 124 timeout, 125 not run, 128 + n signal n, 130 cancelled, 255 lost.
    pub exit_code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Run time of the process itself.
    pub duration_ms: i64,
    /// Processes that the command left running: they go on, and their output is not kept.
    pub left_running: i64,
    /// Others who hold the login that a registry logout therefore left where it is; absent when
    /// there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_held: Option<i64>,
    /// The last 64 KiB; null in lists, and for who may not read logs.
    pub stdout: Option<String>,
    /// The last 64 KiB; null in lists, and for who may not read logs.
    pub stderr: Option<String>,
    /// Whether `stdout` has only the end of the stream.
    pub stdout_truncated: bool,
    /// Whether `stderr` has only the end of the stream.
    pub stderr_truncated: bool,
    /// Bytes written to standard output in all.
    pub stdout_bytes: i64,
    /// Bytes written to standard error in all.
    pub stderr_bytes: i64,
}

/// A page of operations, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationPageBody {
    /// The operations.
    pub items: Vec<OperationItem>,
    /// Send it as `before` to get the next page; null on the last.
    pub next_before: Option<String>,
}

/// What became of the wish that an operation ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CancelAnswer {
    /// The operation's id.
    pub operation_id: String,
    /// Where it stands now: `running` until its server has ended it.
    pub status: String,
    /// Whether its server hears of it at once; if not, when its runner is connected again.
    pub delivered: bool,
    /// The same in a sentence.
    pub message: String,
}

/// How the operations of the last days ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationDaysBody {
    /// The days, the oldest first; also those without operations.
    pub days: Vec<OperationDayBody>,
}

/// The operations that began on one day, without those that still run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationDayBody {
    /// The day in UTC, as `2026-01-31`.
    pub day: String,
    /// Ran to their end, with exit code 0.
    pub completed: i64,
    /// Ended with another exit code, could not be run, were cancelled or were lost.
    pub failed: i64,
    /// Ran into their time limit.
    pub timeout: i64,
}
