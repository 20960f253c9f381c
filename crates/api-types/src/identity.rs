use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is calling, as the existing clients ask for it (clients.md 1.6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MeBody {
    /// The key's id.
    pub id: String,
    /// The address of the key's creator, where it is known; a key has none of its own.
    pub email: String,
    /// The name of the key.
    pub name: String,
    /// The organization's id.
    pub tenant_id: String,
    /// The organization's slug.
    pub tenant_slug: String,
    /// The creator's role, for an integration key; none for an automation key.
    pub roles: Vec<String>,
    /// The organizations that the key reaches: just its own.
    pub memberships: Vec<MembershipBody>,
}

/// One organization that a caller reaches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MembershipBody {
    /// The same as `tenant_id`: a key has one membership in an organization.
    pub id: String,
    /// The organization's id.
    pub tenant_id: String,
    /// The organization's slug.
    pub tenant_slug: String,
    /// The organization's name.
    pub tenant_name: String,
    /// The role in it; `automation` for an automation key.
    pub role: String,
}

/// What a client may check before it asks. Both lists are empty, which to every version of the
/// clients means that the server decides; it does at every request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CapabilitiesBody {
    /// Always empty.
    pub capabilities: Vec<CapabilityBody>,
    /// The same under its older name.
    pub grants: Vec<CapabilityBody>,
}

/// One capability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CapabilityBody {
    /// What may be done.
    pub verb: String,
    /// What kind of thing it may be done to.
    pub scope_kind: String,
    /// Which one.
    pub scope_id: String,
}

/// What the presented key is, and what it may do now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyBody {
    /// `integration_key` or `automation_key`.
    pub kind: String,
    /// The key's id.
    pub id: String,
    /// The key's label or name.
    pub label: String,
    /// The first characters of the key.
    pub prefix: String,
    /// The organization's id.
    pub organization_id: String,
    /// The organization's slug.
    pub organization_slug: String,
    /// When it was created.
    pub created_at: String,
    /// From this moment on it is expired; none is never.
    pub expires_at: Option<String>,
    /// An integration key: the preset that it was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// An integration key: resource → actions, within its creator's role now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_permissions: Option<BTreeMap<String, Vec<String>>>,
    /// An automation key: what it may do and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<KeyScopeBody>,
}

/// The scope of an automation key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyScopeBody {
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
    /// Whether it works from certain addresses only; which is not told.
    pub ip_restricted: bool,
    /// Requests in any 60 seconds.
    pub rate_limit_per_minute: u32,
}

/// What the caller may do now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AclBody {
    /// The organization's slug.
    pub organization: String,
    /// The role of an integration key's creator.
    pub role: Option<String>,
    /// Resource → actions.
    pub permissions: BTreeMap<String, Vec<String>>,
    /// What an automation key may start.
    pub operations: Vec<String>,
    /// The organizations that the caller reaches.
    pub accessible_organizations: Vec<MembershipBody>,
}
