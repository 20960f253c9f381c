//! Registry credentials: what servers log in to container registries with.

mod challenge;
mod checked;
mod create;
mod delete;
mod read;
mod registry_api;
mod test_connection;
mod update;

use reoclo_domain::Secret;

pub(crate) use checked::{checked_secret, checked_username};
pub use test_connection::{ConnectionForm, ConnectionTest};
pub use update::RegistryCredentialChange;

/// What stands in place of a secret wherever a credential is shown. Clients that send back what
/// they were shown do not change the secret with it.
pub const MASKED_SECRET: &str = "********";

/// A registry credential as it was asked for, not yet checked.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewRegistryCredentialForm {
    pub name: String,
    pub registry_type: String,
    /// The usual address of the type when there is none.
    pub registry_url: Option<String>,
    pub username: Option<String>,
    pub description: Option<String>,
    pub secret: Option<Secret>,
}
