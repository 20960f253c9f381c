use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Completes the first admin's account with the one-time link's token.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// The token of the set-up link.
    pub token: String,
    /// The admin's name.
    pub name: String,
    /// The admin's e-mail address.
    pub email: String,
    /// 12 to 200 characters.
    pub password: String,
}

/// The account that the set-up link completed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SetupAnswer {
    /// The admin's id.
    pub user_id: String,
    /// The organization's id.
    pub organization_id: String,
}
