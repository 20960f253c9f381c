use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// The people of an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UserPage {
    /// By name.
    pub items: Vec<UserBody>,
}

/// A person of an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UserBody {
    /// The person's id.
    pub id: String,
    /// The address that they sign in with; empty until the account is set up.
    pub email: String,
    /// Their name; empty until the account is set up.
    pub name: String,
    /// `admin`, `manager`, `developer` or `viewer`.
    pub role: String,
    /// `active`, `temporary_password` until they have chosen their own, or `no_password`.
    pub status: String,
    /// They may create organizations.
    pub may_create_organizations: bool,
    /// When their account was made.
    pub created_at: String,
}

/// Invites a person to the organization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddUserRequest {
    /// The address that they sign in with.
    pub email: String,
    /// 1 to 100 characters; whoever accepts has the last word, and an account keeps its own.
    pub name: String,
    /// `admin`, `manager`, `developer` or `viewer`.
    pub role: String,
}

/// An invitation to the organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvitationBody {
    /// The invitation's id.
    pub id: String,
    /// `invited`, or `expired` when it can no longer be accepted.
    pub status: String,
    /// The address that it is bound to.
    pub email: String,
    /// What whoever invited calls the person.
    pub name: String,
    /// `admin`, `manager`, `developer` or `viewer`.
    pub role: String,
    /// The link to pass on: shown once, to a person who is signed in. Absent when a key invited:
    /// an admin shows it on the Users page.
    pub link: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// From this moment on it is dead.
    pub expires_at: String,
}

/// The invitations that were not accepted yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvitationPage {
    /// By address.
    pub items: Vec<InvitationBody>,
}

/// Shows the token of an invitation's link.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationRequest {
    /// The token of the link.
    pub token: String,
}

/// An invitation, as whoever has its link sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpenInvitationBody {
    /// The organization to join.
    pub organization: String,
    /// The address that it is bound to.
    pub email: String,
    /// What whoever invited calls the person.
    pub name: String,
    /// `admin`, `manager`, `developer` or `viewer`.
    pub role: String,
    /// The address has an account, whose password accepting takes.
    pub has_account: bool,
    /// From this moment on it is dead.
    pub expires_at: String,
}

/// Accepts an invitation.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitationRequest {
    /// The token of the link.
    pub token: String,
    /// 1 to 100 characters; not looked at where there is an account.
    #[serde(default)]
    pub name: String,
    /// The password of the account, or one of 12 to 200 characters for a new one.
    pub password: String,
}

/// A person who was given a new password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddedUserBody {
    /// The person.
    pub user: UserBody,
    /// Shown once; good until `temporary_password_expires_at`, and only for choosing another.
    pub temporary_password: Option<String>,
    /// When the temporary password stops working.
    pub temporary_password_expires_at: Option<String>,
}

/// Changes a person of the organization.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUserRequest {
    /// The new role.
    pub role: Option<String>,
    /// Whether they may create organizations; for whoever may themselves.
    pub may_create_organizations: Option<bool>,
}

/// A person who was removed, with what they leave behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RemovedUserBody {
    /// The person's id.
    pub id: String,
    /// Automation keys that they made: these belong to the organization and work on. Review them.
    pub automation_keys_to_review: Vec<KeyToReviewBody>,
    /// Integration keys that they made: these have no power any more.
    pub integration_keys_stopped: usize,
}

/// A key that outlives whoever made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyToReviewBody {
    /// The key's id.
    pub id: String,
    /// The key's name.
    pub name: String,
    /// The first characters of the key.
    pub prefix: String,
}

/// The organization, as its members see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OrganizationBody {
    /// Its id.
    pub id: String,
    /// Its name in addresses.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The longest that a new key may live, in days; `null` is for ever.
    pub max_key_lifetime_days: Option<u32>,
    /// Private networks that requests may go to when somebody names an address in them.
    pub trusted_networks: Vec<String>,
    /// When it was created.
    pub created_at: String,
}

/// Changes the organization.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeOrganizationRequest {
    /// 1 to 100 characters.
    pub name: Option<String>,
    /// 30 to 3,650 days; `null` takes the maximum away, and leaving it out leaves it as it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<i64>)]
    pub max_key_lifetime_days: Option<Option<i64>>,
    /// Private networks that requests may go to: at most 100 addresses and networks, which take
    /// the place of those before.
    pub trusted_networks: Option<Vec<String>>,
}

/// Tells `null` from a field that is not there.
#[expect(
    clippy::option_option,
    reason = "null and absent mean different things"
)]
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Creates an organization, of which the caller becomes an admin.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganizationRequest {
    /// 1 to 100 characters.
    pub name: String,
    /// 1 to 63 of `a-z`, `0-9` and `-`; made from the name when absent.
    pub slug: Option<String>,
}
