//! A logout of the server's Docker from a registry.

use std::time::Duration;

use reoclo_domain::{OperationKind, OperationState};
use reoclo_store::OperationOutcome;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto;
use reoclo_wire::proto::start_request::Action;
use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::registry_login::found_of_login;

/// A logout from a registry.
#[derive(Clone, Serialize, Deserialize)]
pub struct RegistryLogoutPayload {
    /// As Docker files the login.
    pub registry: String,
    /// For whom; of an older version, for nobody.
    #[serde(default)]
    pub holder: String,
}

impl Kind for RegistryLogoutPayload {
    const KIND: OperationKind = OperationKind::RegistryLogout;

    fn ability(&self) -> Ability {
        Ability::RegistryLogout
    }

    fn action(self, timeout_seconds: u32) -> Action {
        Action::RegistryLogout(proto::RegistryLogout {
            registry: self.registry,
            timeout_seconds,
            holder: self.holder,
        })
    }

    fn found(code: &str) -> Option<&'static str> {
        found_of_login(code)
    }

    /// A login that stays is no success of a logout. Runners that look themselves say so; of those
    /// that do not, Docker's exit code is all there is.
    fn tell(outcome: &mut OperationOutcome, _took: Duration) {
        if outcome.state == OperationState::Completed && outcome.exit_code != 0 {
            outcome.state = OperationState::Failed;
            outcome.code = Some("login_unknown".to_owned());
            outcome.message.get_or_insert_with(|| {
                format!(
                    "docker logout ended with exit code {}, so the login may still be on the \
                     server: see stderr",
                    outcome.exit_code
                )
            });
        }
    }
}
