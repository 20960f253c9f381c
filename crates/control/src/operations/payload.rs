//! What is sent to a runner.

use reoclo_domain::OperationKind;
use reoclo_wire::proto::{Exec, Reboot, start_request::Action};

use super::ExecPayload;

/// What an operation does on its server; sealed in its row until a runner has it.
#[derive(Clone)]
pub(crate) enum Payload {
    /// Runs a command.
    Exec(ExecPayload),
    /// Reboots it.
    Reboot,
}

impl Payload {
    /// As it is sealed.
    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Exec(exec) => serde_json::to_string(exec),
            Self::Reboot => Ok("{}".to_owned()),
        }
    }

    /// As it was sealed; none of an operation that this version does not run.
    pub(crate) fn of_text(kind: OperationKind, text: &str) -> Option<Self> {
        match kind {
            OperationKind::Exec => serde_json::from_str(text).ok().map(Self::Exec),
            OperationKind::Reboot => Some(Self::Reboot),
            _ => None,
        }
    }

    /// As it is sent.
    pub(crate) fn action(self, timeout_seconds: u32) -> Action {
        match self {
            Self::Exec(exec) => Action::Exec(Exec {
                command: exec.command,
                working_directory: exec.working_directory.unwrap_or_default(),
                env: exec.env.into_iter().collect(),
                timeout_seconds,
                mask: exec.mask.into_iter().map(Into::into).collect(),
            }),
            Self::Reboot => Action::Reboot(Reboot { timeout_seconds }),
        }
    }
}
