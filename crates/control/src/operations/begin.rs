//! Beginning an operation: its intent is committed, then a driver is set on it (DESIGN rule 13).

use std::sync::Arc;

use reoclo_domain::{OperationId, OperationKind, Secret};
use reoclo_store::{AuditOutcome, NewAuditEvent, NewOperation, OperationOutcome, StoreError};
use serde_json::{Map, Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

use super::dispatch::Dispatch;
use super::drive::Driver;
use super::payload::Payload;
use super::run_note::ValidRunNote;
use crate::audit::{Happening, resource};
use crate::runners::Link;
use crate::{Allowed, Control, Refusal};

/// An operation that was accepted: its outcome, or none while it runs on.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The operation to ask for later.
    pub operation: OperationId,
    /// How it ended, when it ended within the inline wait.
    pub outcome: Option<Arc<OperationOutcome>>,
}

/// An operation within all limits.
pub(super) struct Beginning {
    pub(super) kind: OperationKind,
    /// The command as people may see it: masked.
    pub(super) command: Option<String>,
    pub(super) timeout_seconds: u32,
    pub(super) run: ValidRunNote,
    pub(super) payload: Payload,
    /// What else the audit row of the intent says; masked, never a secret.
    pub(super) detail: Map<String, Value>,
}

/// Where an operation's outcome will be.
type Outcome = watch::Receiver<Option<Arc<OperationOutcome>>>;

impl Control {
    /// Begins an operation and waits for it for a short while. Whoever asked may go away: the
    /// operation and its record go on without them.
    pub(super) async fn begin_and_wait<P>(
        &self,
        allowed: &Allowed<P>,
        beginning: Beginning,
    ) -> Result<Executed, Refusal> {
        let (operation, outcome) = self.begin(allowed, beginning).await?;
        Ok(Executed {
            operation,
            outcome: self.wait_inline(outcome).await,
        })
    }

    /// Commits the intent and sets a driver on it, in a task of its own.
    async fn begin<P>(
        &self,
        allowed: &Allowed<P>,
        beginning: Beginning,
    ) -> Result<(OperationId, Outcome), Refusal> {
        if self.drain().has_begun() {
            return Err(Refusal::ShuttingDown);
        }
        let limit = self.settings().operations_per_server;
        let (link, slot) = self.runners().take_slot(allowed.server(), limit)?;
        let operation = self.new_operation(allowed, &beginning, &link);
        let event = self.intent_event(allowed, &operation, &beginning);
        let (accepted, committed) = oneshot::channel();
        let (ended, outcome) = watch::channel(None);
        let (control, id) = (self.clone(), operation.id);
        tokio::spawn(async move {
            match control
                .commit_intent(operation, beginning.payload, event)
                .await
            {
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
        payload: Payload,
        event: NewAuditEvent,
    ) -> Result<Dispatch, Refusal> {
        let sealed = Secret::new(payload.to_text().map_err(Refusal::internal)?);
        let dispatch = Dispatch::of(&operation, Some(payload));
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

    fn new_operation<P>(
        &self,
        allowed: &Allowed<P>,
        beginning: &Beginning,
        link: &Link,
    ) -> NewOperation {
        let run = &beginning.run;
        NewOperation {
            id: OperationId::new(self.clock(), self.entropy()),
            organization: allowed.caller().organization(),
            server: allowed.server(),
            kind: beginning.kind,
            starter: allowed.caller().actor(),
            command: beginning.command.clone(),
            timeout_seconds: beginning.timeout_seconds,
            run_id: run.run_id.clone(),
            run_context: run.run_context.as_ref().map(ToString::to_string),
            boot_id: link.boot_id().to_owned(),
            instance_id: link.instance_id().to_owned(),
            created_at: self.now(),
        }
    }

    fn intent_event<P>(
        &self,
        allowed: &Allowed<P>,
        operation: &NewOperation,
        beginning: &Beginning,
    ) -> NewAuditEvent {
        let mut detail = beginning.detail.clone();
        let common = [
            ("operation", json!(beginning.kind.as_str())),
            ("server_id", json!(allowed.server())),
            ("server_name", json!(allowed.server_name())),
            ("timeout_seconds", json!(beginning.timeout_seconds)),
            ("run_id", json!(beginning.run.run_id)),
            ("run_context", json!(beginning.run.run_context)),
        ];
        detail.extend(common.map(|(name, value)| (name.to_owned(), value)));
        let happening = Happening {
            action: "operation.start",
            resource: resource("operation", operation.id, None),
            outcome: AuditOutcome::Intent,
            detail: detail.into(),
        };
        self.event_by(allowed.caller(), happening)
    }

    /// Waits until the operation ends, the inline wait is over, or the process begins to stop.
    async fn wait_inline(&self, mut outcome: Outcome) -> Option<Arc<OperationOutcome>> {
        tokio::select! {
            biased;
            ended = outcome.wait_for(Option::is_some) => ended.ok().and_then(|ended| ended.clone()),
            () = sleep(self.settings().inline_wait) => None,
            () = self.drain().begun() => None,
        }
    }
}
