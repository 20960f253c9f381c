//! A command.

use std::collections::BTreeMap;

use reoclo_domain::OperationKind;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto::Exec;
use reoclo_wire::proto::start_request::Action;
use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// The code of a working directory that is not there or may not be entered.
pub const CODE_WORKING_DIRECTORY: &str = "working_directory";

/// A command with what it needs.
#[derive(Clone, Serialize, Deserialize)]
pub struct ExecPayload {
    /// What `sh` runs, or the interpreter that its first line names.
    pub command: String,
    /// Where it runs.
    pub working_directory: Option<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// What must not stand in its output.
    pub mask: Vec<String>,
}

/// Whether a command's first line says who runs it.
pub fn is_script(command: &str) -> bool {
    command.starts_with("#!")
}

impl Kind for ExecPayload {
    const KIND: OperationKind = OperationKind::Exec;

    fn action(self, timeout_seconds: u32) -> Action {
        let is_script = is_script(&self.command);
        let exec = Exec {
            command: self.command,
            working_directory: self.working_directory.unwrap_or_default(),
            env: self.env.into_iter().collect(),
            timeout_seconds,
            mask: self.mask.into_iter().map(Into::into).collect(),
        };
        // A runner that is too old for it refuses, and does not give it to sh.
        if is_script {
            Action::Script(exec)
        } else {
            Action::Exec(exec)
        }
    }

    fn ability(&self) -> Ability {
        if is_script(&self.command) {
            Ability::Script
        } else {
            Ability::Exec
        }
    }

    /// A field of the request that only the server could check has a code of its own.
    fn not_run(field: &str) -> &'static str {
        if field == "working_directory" {
            CODE_WORKING_DIRECTORY
        } else {
            "not_run"
        }
    }
}
