//! What is sent to a runner.

use reoclo_domain::OperationKind;
use reoclo_wire::proto::{self, Exec, start_request::Action};
use serde::{Deserialize, Serialize};

use super::ExecPayload;

/// What an operation does on its server; sealed in its row until a runner has it.
#[derive(Clone)]
pub(crate) enum Payload {
    /// Runs a command.
    Exec(ExecPayload),
    /// Reboots it.
    Reboot,
    /// Logs its Docker in to a registry.
    RegistryLogin(RegistryLoginPayload),
    /// Logs its Docker out of a registry.
    RegistryLogout(RegistryLogoutPayload),
}

/// A login to a registry.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RegistryLoginPayload {
    /// As Docker files the login.
    pub(crate) registry: String,
    pub(crate) username: String,
    pub(crate) password: String,
    /// For whom; of an older version, for nobody.
    #[serde(default)]
    pub(crate) holder: String,
}

/// A logout from a registry.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RegistryLogoutPayload {
    /// As Docker files the login.
    pub(crate) registry: String,
    /// For whom; of an older version, for nobody.
    #[serde(default)]
    pub(crate) holder: String,
}

impl Payload {
    /// As it is sealed.
    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Exec(exec) => serde_json::to_string(exec),
            Self::Reboot => Ok("{}".to_owned()),
            Self::RegistryLogin(login) => serde_json::to_string(login),
            Self::RegistryLogout(logout) => serde_json::to_string(logout),
        }
    }

    /// As it was sealed; none of an operation that this version does not run.
    pub(crate) fn of_text(kind: OperationKind, text: &str) -> Option<Self> {
        match kind {
            OperationKind::Exec => serde_json::from_str(text).ok().map(Self::Exec),
            OperationKind::Reboot => Some(Self::Reboot),
            OperationKind::RegistryLogin => {
                serde_json::from_str(text).ok().map(Self::RegistryLogin)
            }
            OperationKind::RegistryLogout => {
                serde_json::from_str(text).ok().map(Self::RegistryLogout)
            }
            OperationKind::Deploy | OperationKind::Restart => None,
        }
    }

    /// As it is sent.
    pub(crate) fn action(self, timeout_seconds: u32) -> Action {
        match self {
            Self::Exec(exec) => {
                let is_script = exec.is_script();
                let exec = Exec {
                    command: exec.command,
                    working_directory: exec.working_directory.unwrap_or_default(),
                    env: exec.env.into_iter().collect(),
                    timeout_seconds,
                    mask: exec.mask.into_iter().map(Into::into).collect(),
                };
                // A runner that is too old for it refuses, and does not give it to sh.
                if is_script {
                    Action::Script(exec)
                } else {
                    Action::Exec(exec)
                }
            }
            Self::Reboot => Action::Reboot(proto::Reboot { timeout_seconds }),
            Self::RegistryLogin(login) => Action::RegistryLogin(proto::RegistryLogin {
                registry: login.registry,
                username: login.username,
                password: login.password.into(),
                timeout_seconds,
                holder: login.holder,
            }),
            Self::RegistryLogout(logout) => Action::RegistryLogout(proto::RegistryLogout {
                registry: logout.registry,
                timeout_seconds,
                holder: logout.holder,
            }),
        }
    }
}
