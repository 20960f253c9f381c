//! What waits sealed in an operation's row until a runner has it.

use reoclo_domain::OperationKind;
use reoclo_wire::proto::{self, start_request::Action};
use serde::{Deserialize, Serialize};

use super::ExecPayload;

/// What to run, by kind of operation.
#[derive(Clone)]
pub(crate) enum Payload {
    Exec(ExecPayload),
    RegistryLogin(RegistryLoginPayload),
    RegistryLogout(RegistryLogoutPayload),
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RegistryLoginPayload {
    /// As Docker files the login.
    pub(crate) registry: String,
    pub(crate) username: String,
    pub(crate) password: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RegistryLogoutPayload {
    pub(crate) registry: String,
}

impl Payload {
    /// As text to be sealed; the kind of operation tells what it is.
    pub(crate) fn to_text(&self) -> serde_json::Result<String> {
        match self {
            Self::Exec(exec) => serde_json::to_string(exec),
            Self::RegistryLogin(login) => serde_json::to_string(login),
            Self::RegistryLogout(logout) => serde_json::to_string(logout),
        }
    }

    /// What was sealed for an operation of this kind.
    pub(crate) fn of_text(kind: OperationKind, text: &str) -> Option<Self> {
        match kind {
            OperationKind::Exec => serde_json::from_str(text).map(Self::Exec),
            OperationKind::RegistryLogin => serde_json::from_str(text).map(Self::RegistryLogin),
            OperationKind::RegistryLogout => serde_json::from_str(text).map(Self::RegistryLogout),
            OperationKind::Deploy | OperationKind::Restart | OperationKind::Reboot => return None,
        }
        .ok()
    }

    /// As it is sent to a runner.
    pub(crate) fn into_action(self, timeout_seconds: u32) -> Action {
        match self {
            Self::Exec(exec) => Action::Exec(proto::Exec {
                command: exec.command,
                working_directory: exec.working_directory.unwrap_or_default(),
                env: exec.env.into_iter().collect(),
                timeout_seconds,
                mask: exec.mask.into_iter().map(Into::into).collect(),
            }),
            Self::RegistryLogin(login) => Action::RegistryLogin(proto::RegistryLogin {
                registry: login.registry,
                username: login.username,
                password: login.password.into(),
                timeout_seconds,
            }),
            Self::RegistryLogout(logout) => Action::RegistryLogout(proto::RegistryLogout {
                registry: logout.registry,
                timeout_seconds,
            }),
        }
    }
}
