use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A registry credential to try.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ConnectionTestRequest {
    /// As for a credential to keep.
    pub registry_type: String,
    /// As for a credential to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_url: Option<String>,
    /// As for a credential to keep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password or token, in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_credential: Option<String>,
    /// The same under its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// What came of trying a registry credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConnectionTestAnswer {
    /// Whether a login would succeed.
    pub success: bool,
    /// A sentence that says so, or why not.
    pub message: String,
    /// How long it took.
    pub latency_ms: i64,
}
