use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A command to run on a server.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExecRequest {
    /// The server's id, a UUID.
    pub server_id: String,
    /// Run by `sh -c`, or by the interpreter that a first line such as `#!/usr/bin/env python3`
    /// names; at most 8,192 characters. CRLF becomes LF.
    pub command: String,
    /// Where the command runs; the home of the server's exec user when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Environment variables; at most 200 of 64 KiB together. Names are letters, digits and `_`,
    /// not beginning with a digit; any other needs a command that begins with `#!`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
    /// 1 to 900 seconds, 600 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// Names of variables in `env` whose values are replaced by `***` in output, besides those
    /// whose name says that they are secret. An empty list turns both off; what is stored of the
    /// command is masked all the same. What is no name of a variable in `env` is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Vec<String>>,
    /// The CI run that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where the run comes from: at most 32 texts of 1 KiB, 4 KiB together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_context: Option<BTreeMap<String, Option<String>>>,
}

/// A command to run on the server that the path names.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ServerExecRequest {
    /// Run by `sh -c`, or by the interpreter that a first line such as `#!/usr/bin/env python3`
    /// names; at most 8,192 characters. CRLF becomes LF.
    pub command: String,
    /// Where the command runs; the home of the server's exec user when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Environment variables; at most 200 of 64 KiB together. Names are letters, digits and `_`,
    /// not beginning with a digit; any other needs a command that begins with `#!`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
    /// 1 to 900 seconds, 600 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// As in `ExecRequest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Vec<String>>,
    /// Where the command runs: `host`, which is also meant when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// How a command ended. The answer's head comes at once, and blanks while the command runs, so
/// that no client gives up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerExecAnswer {
    /// The operation, for its record and its full log.
    pub operation_id: String,
    /// `completed`, `failed` or `timeout`; `running` when the control plane had to stop first.
    pub status: String,
    /// The command's exit code; 124 timeout, 125 not run, 128 + n signal n, 130 cancelled, 255
    /// not known.
    pub exit_code: i32,
    /// The last 64 KiB.
    pub stdout: String,
    /// The last 64 KiB.
    pub stderr: String,
    /// Whether either stream lacks its beginning.
    pub truncated: bool,
    /// Run time of the process itself.
    pub duration_ms: i64,
    /// Processes that the command left running: they go on, and their output is not kept.
    pub left_running: i64,
    /// Why an operation failed: `lost`, `cancelled`, `not_started`, `not_run`, `queue_timeout`.
    pub code: Option<String>,
    /// The same in a sentence.
    pub message: Option<String>,
}

/// What became of a command: its result, or `running` when it takes longer than the answer waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExecAnswer {
    /// Ask `GET /api/automation/v1/operations/{id}` for the result while it runs.
    pub operation_id: String,
    /// `running`, `completed`, `failed` or `timeout`.
    pub status: String,
    /// The command's exit code; 124 timeout, 125 not run, 128 + n signal n, 130 cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The last 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// The last 64 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// Whether `stdout` lacks its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_truncated: Option<bool>,
    /// Whether `stderr` lacks its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr_truncated: Option<bool>,
    /// Run time of the process itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Processes that the command left running: they go on, and their output is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_running: Option<i64>,
    /// Why an operation failed: `lost`, `cancelled`, `not_started`, `not_run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
