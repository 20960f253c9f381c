//! A login of the server's Docker to a registry.

use reoclo_domain::OperationKind;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto;
use reoclo_wire::proto::start_request::Action;
use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// A login to a registry.
#[derive(Clone, Serialize, Deserialize)]
pub struct RegistryLoginPayload {
    /// As Docker files the login.
    pub registry: String,
    /// The user name there.
    pub username: String,
    /// The password there.
    pub password: String,
    /// For whom; of an older version, for nobody.
    #[serde(default)]
    pub holder: String,
}

impl Kind for RegistryLoginPayload {
    const KIND: OperationKind = OperationKind::RegistryLogin;

    fn ability(&self) -> Ability {
        Ability::RegistryLogin
    }

    fn action(self, timeout_seconds: u32) -> Action {
        Action::RegistryLogin(proto::RegistryLogin {
            registry: self.registry,
            username: self.username,
            password: self.password.into(),
            timeout_seconds,
            holder: self.holder,
        })
    }

    fn found(code: &str) -> Option<&'static str> {
        found_of_login(code)
    }
}

/// What a runner finds of a login that Docker said was kept or removed.
pub(super) fn found_of_login(code: &str) -> Option<&'static str> {
    ["login_missing", "login_remains", "login_unknown"]
        .into_iter()
        .find(|known| *known == code)
}
