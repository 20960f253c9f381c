use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A login with a stored registry credential.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegistryLoginRequest {
    /// The server's id, a UUID.
    pub server_id: String,
    /// The registry credential's id, a UUID.
    pub credential_id: String,
    /// The CI run that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where the run comes from: at most 32 texts of 1 KiB, 4 KiB together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_context: Option<BTreeMap<String, Option<String>>>,
}

/// A login with a credential that comes with the request. Everything is needed; who may not log
/// in like this is told so first.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct RegistryLoginDirectRequest {
    /// The server's id, a UUID.
    pub server_id: String,
    /// `[https://|http://]host[:port][/path]`
    #[serde(default)]
    #[schema(required = true)]
    pub registry_url: Option<String>,
    /// The user to log in as.
    #[serde(default)]
    #[schema(required = true)]
    pub username: Option<String>,
    /// The password or token.
    #[serde(default)]
    #[schema(required = true)]
    pub access_token: Option<String>,
    /// The CI run that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where the run comes from: at most 32 texts of 1 KiB, 4 KiB together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_context: Option<BTreeMap<String, Option<String>>>,
}

/// A logout.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RegistryLogoutRequest {
    /// The server's id, a UUID.
    pub server_id: String,
    /// The registry, as for the login.
    #[serde(default)]
    #[schema(required = true)]
    pub registry_url: Option<String>,
    /// The CI run that this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where the run comes from: at most 32 texts of 1 KiB, 4 KiB together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_context: Option<BTreeMap<String, Option<String>>>,
}

/// What became of a login or logout: its result, or `running` when it takes longer than the answer
/// waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegistryAuthAnswer {
    /// Ask `GET /api/automation/v1/operations/{id}` for the result while it runs.
    pub operation_id: String,
    /// `running`, `completed`, `failed` or `timeout`.
    pub status: String,
    /// The registry as it was named.
    pub registry_url: String,
    /// `docker_hub`, `ghcr`, `gitlab`, `aws_ecr`, `gcr`, `acr` or `private`.
    pub registry_type: String,
    /// Docker's exit code; 0 when it is logged in or out, or when the login stays for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What Docker wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<String>,
    /// What Docker wrote, such as why the registry refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<String>,
    /// Run time of Docker's command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Of a logout: how many others hold the login, so that it stays on the server until the last
    /// of them has logged out; 0 when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still_held: Option<i64>,
    /// Why an operation failed: `login_missing` (Docker said that it is logged in, and is not),
    /// `login_remains` (the login is still there), `login_unknown` (nobody can tell), `lost`,
    /// `cancelled`, `not_started`, `not_run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
