use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An integration key to create.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIntegrationKeyRequest {
    /// What people call it: 1 to 100 characters.
    pub label: String,
    /// `30d`, `90d`, `1y` or `never`, within the organization's maximum.
    pub expires_in: String,
    /// `full_access`, `deploy_only`, `read_only` or `custom`.
    pub preset: String,
    /// For `custom`: resource → actions, within your own role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<BTreeMap<String, Vec<String>>>,
}

/// An automation key to create.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAutomationKeyRequest {
    /// What people call it: 1 to 100 characters.
    pub name: String,
    /// Every server of the organization, also later ones; else `server_ids`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_servers: Option<bool>,
    /// Just these servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ids: Option<Vec<String>>,
    /// At least one of `exec`, `deploy`, `restart`, `reboot`, `registry_login` and
    /// `registry_logout`.
    pub operations: Vec<String>,
    /// Just these registry credentials; every one, also later ones, when empty or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_credential_ids: Option<Vec<String>>,
    /// `30d`, `90d`, `1y` or `never`, within the organization's maximum; `never` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// Addresses and networks such as `203.0.113.7`, `10.0.0.0/8` and `2001:db8::/32`, at most
    /// 10,000, from which it may be used; from everywhere when this and
    /// `ip_allowlist_source_ids` are empty or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_allowlist: Option<Vec<String>>,
    /// Published lists of networks from which it may be used as well, at most 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_allowlist_source_ids: Option<Vec<String>>,
    /// Requests in any 60 seconds: 1 to 10,000, or else 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit_per_minute: Option<i64>,
}

/// An integration key, as people manage it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IntegrationKeyBody {
    /// The key itself. It is in the answer that creates it, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// The first characters of the key.
    pub prefix: String,
    /// `full_access`, `deploy_only`, `read_only` or `custom`.
    pub preset: String,
    /// Resource → actions, as the preset stands for them now.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// The part of them that the creator's role allows now.
    pub effective_permissions: BTreeMap<String, Vec<String>>,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// When it was created.
    pub created_at: String,
    /// The id of the person who made it.
    pub created_by: String,
    /// That person's e-mail address.
    pub created_by_email: Option<String>,
    /// That person's name.
    pub created_by_name: Option<String>,
    /// Whether that person is still in the organization; without them it can do nothing.
    pub creator_is_member: bool,
    /// From this moment on it is expired; none is never.
    pub expires_at: Option<String>,
    /// Whether that is within 14 days.
    pub expires_soon: bool,
    /// Whether it lives longer than the organization allows new keys to.
    pub exceeds_maximum_lifetime: bool,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was used last.
    pub last_used_at: Option<String>,
    /// From where.
    pub last_used_ip: Option<String>,
    /// With what client.
    pub last_used_user_agent: Option<String>,
    /// From where it was used in the last 90 days, the latest first; where one key is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Vec<KeyUsageBody>>,
    /// The people whom it added or invited; where one key is shown, and in the answer that revokes
    /// it. The answer that replaces a key lists those of the revoked one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<Vec<KeyPersonBody>>,
}

/// An automation key, as people manage it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct AutomationKeyBody {
    /// The key itself. It is in the answer that creates it, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The first characters of the key.
    pub prefix: String,
    /// Every server of the organization, also later ones.
    pub all_servers: bool,
    /// Else just these.
    pub server_ids: Vec<String>,
    /// What it may start.
    pub operations: Vec<String>,
    /// Every registry credential, also later ones.
    pub all_registry_credentials: bool,
    /// Else just these.
    pub registry_credential_ids: Vec<String>,
    /// From where it may be used; everywhere when empty.
    pub ip_allowlist: Vec<String>,
    /// How many addresses and networks those are: a list of keys shows the first 100 of them.
    pub ip_allowlist_entries: u32,
    /// The published lists of networks from which it may be used as well.
    pub ip_allowlist_source_ids: Vec<String>,
    /// Requests in any 60 seconds.
    pub rate_limit_per_minute: u32,
    /// `active`, `expired` or `revoked`.
    pub status: String,
    /// When it was created.
    pub created_at: String,
    /// The id of the person who made it.
    pub created_by: String,
    /// That person's e-mail address.
    pub created_by_email: Option<String>,
    /// That person's name.
    pub created_by_name: Option<String>,
    /// Whether that person is still in the organization; it works also without them.
    pub creator_is_member: bool,
    /// From this moment on it is expired; none is never.
    pub expires_at: Option<String>,
    /// Whether that is within 14 days.
    pub expires_soon: bool,
    /// Whether it lives longer than the organization allows new keys to.
    pub exceeds_maximum_lifetime: bool,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// When it was used last.
    pub last_used_at: Option<String>,
    /// From where.
    pub last_used_ip: Option<String>,
    /// With what client.
    pub last_used_user_agent: Option<String>,
    /// From where it was used in the last 90 days, the latest first; where one key is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Vec<KeyUsageBody>>,
    /// The people whom it added or invited; where one key is shown, and in the answer that revokes
    /// it. The answer that replaces a key lists those of the revoked one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<Vec<KeyPersonBody>>,
}

/// The uses of a key from one address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyUsageBody {
    /// The address; null are those beyond the first 1,000 of a day, together.
    pub ip: Option<String>,
    /// What the last client called itself.
    pub user_agent: String,
    /// How often.
    pub count: i64,
    /// The first time.
    pub first_used_at: String,
    /// The last time.
    pub last_used_at: String,
}

/// Somebody whom a key added or invited. Revoking the key does not remove them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyPersonBody {
    /// The id of the person, or of the invitation.
    pub id: String,
    /// `member`, or `invited`: the link is open still.
    pub status: String,
    /// Their e-mail address.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// The role that they have, or will have.
    pub role: String,
}
