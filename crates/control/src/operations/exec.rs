//! Running a command on a server.

use std::sync::Arc;

use reoclo_domain::{OperationId, OperationKind, Secret, ServerId};
use reoclo_store::{AuditOutcome, NewAuditEvent, NewOperation, OperationOutcome, StoreError};
use serde_json::json;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use super::dispatch::Dispatch;
use super::drive::Driver;
use super::end::CODE_WORKING_DIRECTORY;
use super::exec_command::{ExecCommand, ValidExec};
use crate::audit::{Happening, resource};
use crate::runners::Link;
use crate::{Allowed, Authorized, Control, Exec, InvalidFields, Refusal};

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
        let exec = command.validate()?;
        let (operation, outcome) = self.begin(&allowed, exec).await?;
        let executed = Executed {
            operation,
            outcome: self.wait_inline(outcome).await,
        };
        refuse_late(&executed)?;
        Ok(executed)
    }

    /// Commits the intent and sets a driver on it, in a task of its own.
    async fn begin(
        &self,
        allowed: &Allowed<Exec>,
        exec: ValidExec,
    ) -> Result<(OperationId, watch::Receiver<Option<Arc<OperationOutcome>>>), Refusal> {
        if self.drain().has_begun() {
            return Err(Refusal::ShuttingDown);
        }
        let limit = self.settings().operations_per_server;
        let (link, slot) = self.runners().take_slot(allowed.server(), limit)?;
        let operation = self.new_operation(allowed, &exec, &link);
        let event = self.intent_event(allowed, &operation, &exec);
        let (accepted, committed) = oneshot::channel();
        let (ended, outcome) = watch::channel(None);
        let (control, id) = (self.clone(), operation.id);
        tokio::spawn(async move {
            match control.commit_intent(operation, exec, event).await {
                Ok(dispatch) => {
                    // The caller may be gone; the operation is not.
                    let _ = accepted.send(Ok(()));
                    control
                        .drive(Driver::new(control.clone(), dispatch), ended)
                        .await;
                    drop(slot);
                }
                Err(refusal) => drop(accepted.send(Err(refusal))),
            }
        });
        committed.await.map_err(Refusal::internal)??;
        Ok((id, outcome))
    }

    async fn commit_intent(
        &self,
        operation: NewOperation,
        exec: ValidExec,
        event: NewAuditEvent,
    ) -> Result<Dispatch, Refusal> {
        let sealed = serde_json::to_string(&exec.payload).map_err(Refusal::internal)?;
        let dispatch = Dispatch::of(&operation, Some(exec.payload));
        let sealed = Secret::new(sealed);
        match self
            .store()
            .begin_operation(operation, &sealed, vec![event])
            .await
        {
            Ok(()) => Ok(dispatch),
            Err(error) => Err(self.not_begun(dispatch, error)),
        }
    }

    /// Nothing was sent to the server. Should the intent be in the database all the same, since
    /// the connection was lost while it was committed, it gets an outcome that says so.
    fn not_begun(&self, dispatch: Dispatch, error: StoreError) -> Refusal {
        if matches!(error, StoreError::Uncertain(_)) {
            let control = self.clone();
            tokio::spawn(async move { control.store_not_begun(&dispatch).await });
        }
        Refusal::of_write(error)
    }

    fn new_operation(
        &self,
        allowed: &Allowed<Exec>,
        exec: &ValidExec,
        link: &Link,
    ) -> NewOperation {
        NewOperation {
            id: OperationId::new(self.clock(), self.entropy()),
            organization: allowed.caller().organization(),
            server: allowed.server(),
            kind: OperationKind::Exec,
            starter: allowed.caller().actor(),
            command: Some(exec.masked_command.clone()),
            timeout_seconds: exec.timeout_seconds,
            run_id: exec.run_id.clone(),
            run_context: exec.run_context.as_ref().map(ToString::to_string),
            boot_id: link.boot_id().to_owned(),
            instance_id: link.instance_id().to_owned(),
            created_at: self.now(),
        }
    }

    fn intent_event(
        &self,
        allowed: &Allowed<Exec>,
        operation: &NewOperation,
        exec: &ValidExec,
    ) -> NewAuditEvent {
        let happening = Happening {
            action: "operation.start",
            resource: resource("operation", operation.id, None),
            outcome: AuditOutcome::Intent,
            detail: json!({
                "operation": operation.kind.as_str(),
                "server_id": allowed.server(),
                "server_name": allowed.server_name(),
                "command": exec.masked_command,
                "working_directory": exec.payload.working_directory,
                "env_names": exec.payload.env.keys().collect::<Vec<_>>(),
                "timeout_seconds": exec.timeout_seconds,
                "run_id": exec.run_id,
                "run_context": exec.run_context,
            }),
        };
        self.event_by(allowed.caller(), happening)
    }

    /// Waits until the operation ends, the inline wait is over, or the process begins to stop.
    async fn wait_inline(
        &self,
        mut outcome: watch::Receiver<Option<Arc<OperationOutcome>>>,
    ) -> Option<Arc<OperationOutcome>> {
        tokio::select! {
            biased;
            ended = outcome.wait_for(Option::is_some) => ended.ok().and_then(|ended| ended.clone()),
            () = sleep(self.settings().inline_wait) => None,
            () = self.drain().begun() => None,
        }
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
