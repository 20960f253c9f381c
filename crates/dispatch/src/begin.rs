//! Beginning an operation: its intent is on disk before anything is sent (rule 13).

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, Secret};
use reoclo_store::{AuditOutcome, NewAuditEvent, NewOperation, StoreError};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::Dispatcher;
use crate::audit::{Draft, resource};
use crate::dispatch::Dispatch;
use crate::error::Error;
use crate::grant::Grant;
use crate::kinds::Payload;
use crate::live::Live;
use crate::runners::{Admission, Link};

/// An operation that was checked and is about to be begun.
pub struct Plan {
    /// What it does.
    pub payload: Payload,
    /// The command as people may see it.
    pub command: Option<String>,
    /// How long it may take.
    pub timeout_seconds: u32,
    /// The run that it belongs to.
    pub run: Run,
    /// What the audit log says besides; masked, never a secret.
    pub detail: Value,
}

/// The run that an operation belongs to, as it may be stored.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The CI run's id.
    pub id: Option<String>,
    /// Where the run comes from.
    pub context: Option<Value>,
}

/// An operation whose intent is stored.
pub struct Begun {
    /// The operation.
    pub id: OperationId,
    /// What it writes, and its end.
    pub live: Arc<Live>,
}

impl Dispatcher {
    /// Commits the intent and sees the operation through in a task of its own, so that whoever
    /// asked may go away. Without room on the server it waits in the server's queue.
    ///
    /// # Errors
    /// When nothing was begun; a refusal leaves no operation behind.
    #[boxed]
    pub async fn begin(&self, grant: &Grant, plan: Plan) -> Result<Begun, Error> {
        let kind = plan.payload.kind();
        if !grant.party().kinds.contains(kind) {
            return Err(Error::NotGranted(kind));
        }
        if self.drain().has_begun() {
            return Err(Error::ShuttingDown);
        }
        let (link, admission) = self.seats().take_place(grant.server())?;
        let needed = plan.payload.ability();
        if link.lacks(needed) {
            return Err(link.is_too_old_for(needed));
        }
        let operation = self.new_operation(grant, &plan, &link, &admission);
        let event = self.intent_event(grant, &operation, &plan);
        let live = Arc::new(Live::new(operation.organization));
        let begun = Begun {
            id: operation.id,
            live: Arc::clone(&live),
        };
        let (accepted, committed) = oneshot::channel();
        let dispatcher = self.clone();
        live.set_queued(matches!(admission, Admission::Queued(_)));
        // Before the record can be found, so that whoever finds it finds this as well.
        self.live().add(begun.id, Arc::clone(&live));
        let id = begun.id;
        tokio::spawn(async move {
            match dispatcher
                .commit_intent(operation, plan.payload, event)
                .await
            {
                Ok(dispatch) => {
                    // The caller may be gone; the operation is not.
                    let _ = accepted.send(Ok(()));
                    dispatcher.run(dispatch, admission, live).await;
                }
                Err(error) => {
                    dispatcher.live().remove(id);
                    drop(accepted.send(Err(error)));
                }
            }
        });
        committed.await.map_err(Error::internal)??;
        Ok(begun)
    }

    async fn commit_intent(
        &self,
        operation: NewOperation,
        payload: Payload,
        event: NewAuditEvent,
    ) -> Result<Dispatch, Error> {
        let sealed = Secret::new(payload.to_text().map_err(Error::internal)?);
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
    fn not_begun(&self, dispatch: Dispatch, error: StoreError) -> Error {
        if matches!(error, StoreError::Uncertain(_)) {
            let dispatcher = self.clone();
            tokio::spawn(async move { dispatcher.store_not_begun(&dispatch).await });
        }
        Error::NotStored(error)
    }

    fn new_operation(
        &self,
        grant: &Grant,
        plan: &Plan,
        link: &Link,
        admission: &Admission,
    ) -> NewOperation {
        let (party, created_at) = (grant.party(), self.now());
        NewOperation {
            id: OperationId::new(self.clock(), self.entropy()),
            organization: party.organization,
            server: party.server,
            server_name: party.server_name.to_string(),
            kind: plan.payload.kind(),
            starter: party.starter.clone(),
            via: party.source.via.clone(),
            command: plan.command.clone(),
            timeout_seconds: plan.timeout_seconds,
            run_id: plan.run.id.clone(),
            run_context: plan.run.context.as_ref().map(ToString::to_string),
            boot_id: link.boot_id().to_owned(),
            instance_id: link.instance_id().to_owned(),
            created_at,
            queued_at: matches!(admission, Admission::Queued(_)).then_some(created_at),
        }
    }

    fn intent_event(&self, grant: &Grant, operation: &NewOperation, plan: &Plan) -> NewAuditEvent {
        let party = grant.party();
        let mut detail = json!({
            "operation": operation.kind.as_str(),
            "server_id": party.server,
            "server_name": &*party.server_name,
            "timeout_seconds": plan.timeout_seconds,
            "run_id": plan.run.id,
            "run_context": plan.run.context,
        });
        if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), &plan.detail) {
            detail.extend(more.clone());
        }
        let draft = Draft {
            action: "operation.start",
            resource: resource("operation", operation.id, Some(&operation.server_name)),
            outcome: AuditOutcome::Intent,
            detail,
        };
        let (starter, source) = (party.starter.clone(), party.source.clone());
        self.event(party.organization, starter, source, draft)
    }
}
