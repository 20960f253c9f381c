//! Running a command on a server.

use reoclo_domain::{OperationKind, ServerId};
use serde_json::{Map, Value, json};

use super::begin::{Beginning, Executed};
use super::end::CODE_WORKING_DIRECTORY;
use super::exec_command::{ExecCommand, ValidExec};
use super::payload::Payload;
use crate::{Authorized, Control, Exec, InvalidFields, Refusal};

impl Control {
    /// Runs a command on a server and waits for it for a short while (DESIGN rule 9).
    pub async fn exec(
        &self,
        proof: Authorized<Exec>,
        server: ServerId,
        command: ExecCommand,
    ) -> Result<Executed, Refusal> {
        let allowed = proof.on_server(self, server).await?;
        let beginning = beginning(command.validate()?);
        let executed = self.begin_and_wait(&allowed, beginning).await?;
        refuse_late(&executed)?;
        Ok(executed)
    }
}

fn beginning(exec: ValidExec) -> Beginning {
    Beginning {
        kind: OperationKind::Exec,
        detail: detail(&exec),
        command: Some(exec.masked_command),
        timeout_seconds: exec.timeout_seconds,
        run: exec.run,
        payload: Payload::Exec(exec.payload),
    }
}

fn detail(exec: &ValidExec) -> Map<String, Value> {
    let env_names: Vec<_> = exec.payload.env.keys().collect();
    let detail = [
        ("command", json!(exec.masked_command)),
        ("working_directory", json!(exec.payload.working_directory)),
        ("env_names", json!(env_names)),
    ];
    detail
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect()
}

/// What only the server could check comes back as the refusal that it is.
fn refuse_late(executed: &Executed) -> Result<(), Refusal> {
    let Some(outcome) = &executed.outcome else {
        return Ok(());
    };
    if outcome.code.as_deref() != Some(CODE_WORKING_DIRECTORY) {
        return Ok(());
    }
    let message = outcome.message.clone().unwrap_or_default();
    let problem = message
        .strip_prefix("working_directory ")
        .unwrap_or(&message);
    let invalid = InvalidFields::one("working_directory", problem);
    Err(Refusal::InvalidRequest(
        invalid.of_operation(executed.operation),
    ))
}
