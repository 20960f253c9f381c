//! Beginning an operation: its intent is on disk before anything is sent (rule 13).

use std::sync::Arc;

use reoclo_domain::{OperationId, OperationKind, Secret};
use reoclo_store::{AuditOutcome, NewAuditEvent, NewOperation, StoreError};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::dispatch::Dispatch;
use super::live::Live;
use super::payload::Payload;
use super::run_note::ValidRunNote;
use crate::audit::{Happening, resource};
use crate::refused_use::Wanted;
use crate::runners::{Link, Place};
use crate::{Allowed, Control, Permission, Refusal};

/// An operation that was checked and is about to be begun.
pub(crate) struct Plan {
    pub(crate) kind: OperationKind,
    pub(crate) payload: Payload,
    /// The command as people may see it.
    pub(crate) command: Option<String>,
    pub(crate) timeout_seconds: u32,
    pub(super) run: ValidRunNote,
    /// What the audit log says besides; masked, never a secret.
    pub(crate) detail: Value,
}

/// An operation whose intent is stored.
pub(crate) struct Begun {
    pub(crate) id: OperationId,
    pub(crate) live: Arc<Live>,
}

impl Control {
    /// Commits the intent and sees the operation through in a task of its own, so that whoever
    /// asked may go away. Without room on the server it waits in the server's queue. A refusal
    /// leaves no operation behind, so the audit log is told of it.
    pub(crate) async fn begin<P: Permission>(
        &self,
        allowed: &Allowed<P>,
        plan: Plan,
    ) -> Result<Begun, Refusal> {
        self.begin_untold(allowed, plan)
            .await
            .inspect_err(|refusal| {
                let wanted = Wanted::of::<P>(allowed.caller(), allowed.server());
                self.note_refusal_of(allowed.caller(), refusal, &wanted);
            })
    }

    async fn begin_untold<P: Permission>(
        &self,
        allowed: &Allowed<P>,
        plan: Plan,
    ) -> Result<Begun, Refusal> {
        if self.drain().has_begun() {
            return Err(Refusal::ShuttingDown);
        }
        let (link, place) = self.runners().take_place(allowed.server())?;
        let operation = self.new_operation(allowed, &plan, &link, &place);
        let event = self.intent_event(allowed, &operation, &plan);
        let live = Arc::new(Live::new(operation.organization));
        let begun = Begun {
            id: operation.id,
            live: Arc::clone(&live),
        };
        let (accepted, committed) = oneshot::channel();
        let control = self.clone();
        live.set_queued(matches!(place, Place::Queued(_)));
        // Before the record can be found, so that whoever finds it finds this as well.
        self.live().add(begun.id, Arc::clone(&live));
        let id = begun.id;
        tokio::spawn(async move {
            match control.commit_intent(operation, plan.payload, event).await {
                Ok(dispatch) => {
                    // The caller may be gone; the operation is not.
                    let _ = accepted.send(Ok(()));
                    control.run(dispatch, place, live).await;
                }
                Err(refusal) => {
                    control.live().remove(id);
                    drop(accepted.send(Err(refusal)));
                }
            }
        });
        committed.await.map_err(Refusal::internal)??;
        Ok(begun)
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
        plan: &Plan,
        link: &Link,
        place: &Place,
    ) -> NewOperation {
        let created_at = self.now();
        NewOperation {
            id: OperationId::new(self.clock(), self.entropy()),
            organization: allowed.caller().organization(),
            server: allowed.server(),
            server_name: allowed.server_name().to_owned(),
            kind: plan.kind,
            starter: allowed.caller().actor(),
            via: allowed.caller().source().via.clone(),
            command: plan.command.clone(),
            timeout_seconds: plan.timeout_seconds,
            run_id: plan.run.run_id.clone(),
            run_context: plan.run.run_context.as_ref().map(ToString::to_string),
            boot_id: link.boot_id().to_owned(),
            instance_id: link.instance_id().to_owned(),
            created_at,
            queued_at: matches!(place, Place::Queued(_)).then_some(created_at),
        }
    }

    fn intent_event<P>(
        &self,
        allowed: &Allowed<P>,
        operation: &NewOperation,
        plan: &Plan,
    ) -> NewAuditEvent {
        let mut detail = json!({
            "operation": operation.kind.as_str(),
            "server_id": allowed.server(),
            "server_name": allowed.server_name(),
            "timeout_seconds": plan.timeout_seconds,
            "run_id": plan.run.run_id,
            "run_context": plan.run.run_context,
        });
        if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), &plan.detail) {
            detail.extend(more.clone());
        }
        let happening = Happening {
            action: "operation.start",
            resource: resource("operation", operation.id, Some(&operation.server_name)),
            outcome: AuditOutcome::Intent,
            detail,
        };
        self.event_by(allowed.caller(), happening)
    }
}
