use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A published list of networks that automation keys may be used from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddressSourceBody {
    /// The id that `ip_allowlist_source_ids` of an automation key takes.
    pub id: String,
    /// The name that a person gave it.
    pub name: String,
    /// Where it is published.
    pub url: String,
    /// The field of the answer that holds it.
    pub field: Option<String>,
    /// How many networks are in force.
    pub entries: u32,
    /// When it was last asked for.
    pub checked_at: String,
    /// When that last went well.
    pub fetched_at: String,
    /// Why the last attempt did not; the list before it is in force.
    pub problem: Option<String>,
    /// When it was added.
    pub created_at: String,
}

/// A published list to fetch now and every hour from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddressSourceRequest {
    /// 1 to 100 characters.
    pub name: String,
    /// An `https` address that answers with JSON, or with text of one network a line.
    pub url: String,
    /// The field of a JSON object that holds the list, with dots for what lies deeper: `actions`,
    /// `prefixes.ip_prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// A published list to fetch now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshAddressSourceRequest {
    /// Also take a list that has more than ten times the entries or addresses of the one before.
    #[serde(default)]
    pub accept_growth: bool,
}
