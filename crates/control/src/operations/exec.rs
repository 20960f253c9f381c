//! Running a command on a server.

use std::sync::Arc;

use reoclo_domain::{OperationId, OperationKind, ServerId};
use reoclo_store::OperationOutcome;
use serde_json::json;
use tokio::time::sleep;

use super::begin::Plan;
use super::end::CODE_WORKING_DIRECTORY;
use super::exec_command::{ExecCommand, ValidExec};
use super::live::Live;
use super::payload::Payload;
use crate::{Authorized, Control, Exec, InvalidFields, Refusal};

/// An accepted command: its outcome, or none while it runs on.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The operation to ask for later.
    pub operation: OperationId,
    /// How it ended, when it ended within the inline wait.
    pub outcome: Option<Arc<OperationOutcome>>,
}

impl Control {
    /// Runs a command on a server and waits for it for a short while (DESIGN rule 9).
    ///
    /// Whoever asked may go away: the command and its record go on without them.
    pub async fn exec(
        &self,
        proof: Authorized<Exec>,
        server: ServerId,
        command: ExecCommand,
    ) -> Result<Executed, Refusal> {
        let allowed = proof.on_server(self, server).await?;
        let plan = plan(command.validate()?);
        let begun = self.begin(&allowed, plan).await?;
        let executed = Executed {
            operation: begun.id,
            outcome: self.wait_inline(&begun.live).await,
        };
        refuse_late(&executed)?;
        Ok(executed)
    }

    /// Waits until the operation ends, the inline wait is over, or the process begins to stop.
    async fn wait_inline(&self, live: &Live) -> Option<Arc<OperationOutcome>> {
        tokio::select! {
            biased;
            ended = live.ended() => ended,
            () = sleep(self.settings().inline_wait) => None,
            () = self.drain().begun() => None,
        }
    }
}

fn plan(exec: ValidExec) -> Plan {
    Plan {
        kind: OperationKind::Exec,
        detail: json!({
            "command": exec.masked_command,
            "working_directory": exec.payload.working_directory,
            "env_names": exec.payload.env.keys().collect::<Vec<_>>(),
        }),
        command: Some(exec.masked_command),
        timeout_seconds: exec.timeout_seconds,
        run_id: exec.run_id,
        run_context: exec.run_context,
        payload: Payload::Exec(exec.payload),
    }
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
