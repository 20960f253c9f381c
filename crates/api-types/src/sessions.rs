use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Signs a person in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The id or slug of the organization to work in; without it, the first by slug.
    pub organization: Option<String>,
}

/// Ends a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOutRequest {
    /// End every session of the person, not just this one.
    #[serde(default)]
    pub everywhere: bool,
}

/// Goes over to another of one's organizations.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchRequest {
    /// The organization's id or slug.
    pub organization: String,
}

/// Changes one's own password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The password as it is.
    pub current_password: String,
    /// 12 to 200 characters, and not the current one.
    pub new_password: String,
}

/// A person's session; the session's token itself is in the cookie `reoclo_session` only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionBody {
    /// Who is signed in.
    pub user: SessionUserBody,
    /// The organization that the session works in.
    pub organization: SessionOrganizationBody,
    /// Every organization of the person.
    pub organizations: Vec<SessionOrganizationBody>,
    /// What a request that changes something sends as `X-CSRF-Token`.
    pub csrf_token: String,
    /// When the session is over at the latest.
    pub expires_at: String,
}

/// The person of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionUserBody {
    /// The person's id.
    pub id: String,
    /// The address that they sign in with.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Nothing else is answered until they have chosen a password of their own.
    pub must_change_password: bool,
    /// They may create organizations.
    pub may_create_organizations: bool,
}

/// An organization of a session's person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionOrganizationBody {
    /// The organization's id.
    pub id: String,
    /// The organization's slug.
    pub slug: String,
    /// The organization's name.
    pub name: String,
    /// The person's role in it.
    pub role: String,
}
