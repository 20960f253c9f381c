use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A registry credential, without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RegistryCredentialBody {
    /// The id that item routes and `credential_id` take.
    pub id: String,
    /// The name that a person gave it.
    pub name: String,
    /// As it was sent: `docker_hub` (or `docker`), `ghcr`, `gitlab`, `aws_ecr` (or `ecr`), `gcr`,
    /// `acr` or `private`.
    pub registry_type: String,
    /// Where the registry is.
    pub registry_url: String,
    /// The user to log in as; the usual one of the type when there is none.
    pub username: Option<String>,
    /// What people noted about it.
    pub description: Option<String>,
    /// Always the same mask.
    pub encrypted_credential: String,
    /// When it was made.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// A registry credential to keep.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewRegistryCredentialRequest {
    /// 1 to 100 characters.
    pub name: String,
    /// `docker_hub` (or `docker`), `ghcr`, `gitlab`, `aws_ecr` (or `ecr`), `gcr`, `acr` or
    /// `private`.
    pub registry_type: String,
    /// `[https://|http://]host[:port][/path]`; the usual address of the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_url: Option<String>,
    /// The user to log in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The password or token, in clear: existing clients send it under this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_credential: Option<String>,
    /// The same under its own name; one of the two has to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// Changes of a registry credential; what is absent stays.
///
/// Unknown fields are ignored, since clients of other versions send them.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct RegistryCredentialChangeRequest {
    /// 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Comes with the password, as do the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_type: Option<String>,
    /// Where the registry is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_url: Option<String>,
    /// The user to log in as; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// At most 500 characters; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The password or token, in clear. The mask changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_credential: Option<String>,
    /// The same under its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl From<NewRegistryCredentialRequest> for RegistryCredentialChangeRequest {
    fn from(new: NewRegistryCredentialRequest) -> Self {
        Self {
            name: Some(new.name),
            registry_type: Some(new.registry_type),
            registry_url: new.registry_url,
            username: new.username,
            description: new.description,
            encrypted_credential: new.encrypted_credential,
            password: new.password,
        }
    }
}
