//! Ending an operation before its time (rule 10).

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, OperationState};
use reoclo_store::{AuditOutcome, OperationRecord};
use serde_json::json;
use tokio::time::timeout;

use super::Operations;
use crate::attempted::Attempted;
use crate::audit::{AuditedAction, resource};
use crate::{Authorized, Caller, OwnOperations, Refusal, ServersExecute};

/// How long the answer waits for the end of an operation that was not even sent.
const UNSENT_WAIT: Duration = Duration::from_secs(5);

/// What became of the wish that an operation ends.
#[derive(Clone, Debug)]
pub struct CancelRequested {
    /// The operation.
    pub operation: OperationId,
    /// Where it stands now.
    pub state: OperationState,
    /// Whether its server's runner is connected; if not, it hears of it when it is back.
    pub is_connected: bool,
}

impl Operations<'_> {
    /// Has an operation of the organization end.
    #[boxed]
    pub async fn cancel(
        &self,
        proof: &Authorized<ServersExecute>,
        id: OperationId,
    ) -> Result<CancelRequested, Refusal> {
        let caller = proof.caller();
        let found = self
            .core
            .store()
            .operation(caller.organization(), id)
            .await?;
        let record = found.ok_or(Refusal::NotFound("the operation"))?;
        self.request_cancel(caller, record).await
    }

    /// Has an operation end that this automation key started, as long as the key still carries
    /// that operation and that server.
    #[boxed]
    pub async fn cancel_own(
        &self,
        proof: &Authorized<OwnOperations>,
        id: OperationId,
    ) -> Result<CancelRequested, Refusal> {
        let record = self.show_own(proof, id).await?;
        let caller = proof.caller();
        self.check_scope(caller, &record)?;
        self.request_cancel(caller, record).await
    }

    fn check_scope(self, caller: &Caller, record: &OperationRecord) -> Result<(), Refusal> {
        let Some(key) = caller.automation_key() else {
            return Err(Refusal::NotFound("the operation"));
        };
        let allowed = key.scope.operations;
        let refusal = if !allowed.contains(record.kind) {
            let operation = record.kind;
            Refusal::OperationNotAllowed { operation, allowed }
        } else if !key.scope.servers.contains(&record.server) {
            Refusal::ServerNotInScope
        } else {
            return Ok(());
        };
        let wanted = Attempted::of::<OwnOperations>(caller, record.server);
        self.refusals.note_of(caller, &refusal, &wanted);
        Err(refusal)
    }

    /// Stores the wish before anybody hears of it, so that it outlives this process.
    async fn request_cancel(
        self,
        caller: &Caller,
        record: OperationRecord,
    ) -> Result<CancelRequested, Refusal> {
        let (organization, id) = (record.organization, record.id);
        if record.state.is_terminal() {
            return self.already_ended(record);
        }
        let event = self.core.event_by(caller, audited(&record));
        let asked = self
            .core
            .store()
            .request_cancel(organization, id, vec![event]);
        if !asked.await.map_err(Refusal::of_write)? {
            let ended = self.core.store().operation(organization, id).await?;
            return self.already_ended(ended.ok_or(Refusal::NotFound("the operation"))?);
        }
        let mut state = OperationState::Running;
        if let Some(live) = self.dispatcher.live_operation(organization, id) {
            let was_queued = live.is_queued();
            live.cancel();
            if was_queued && let Ok(Some(outcome)) = timeout(UNSENT_WAIT, live.ended()).await {
                state = outcome.state;
            }
        }
        Ok(CancelRequested {
            operation: id,
            state,
            is_connected: self.dispatcher.is_connected(record.server),
        })
    }

    /// Asking again for what was done is no conflict; any other end is.
    fn already_ended(self, record: OperationRecord) -> Result<CancelRequested, Refusal> {
        let code = record.outcome.and_then(|outcome| outcome.code);
        if code.as_deref() == Some("cancelled") {
            return Ok(CancelRequested {
                operation: record.id,
                state: record.state,
                is_connected: self.dispatcher.is_connected(record.server),
            });
        }
        let why = code.map(|code| format!(" ({code})")).unwrap_or_default();
        Err(Refusal::Conflict(format!(
            "the operation has ended already, as {}{why}, so there is nothing to cancel",
            record.state
        )))
    }
}

fn audited(record: &OperationRecord) -> AuditedAction {
    AuditedAction {
        action: "operation.cancel",
        resource: resource("operation", record.id, Some(&record.server_name)),
        outcome: AuditOutcome::Success,
        detail: json!({
            "operation": record.kind.as_str(),
            "server_id": record.server,
            "server_name": record.server_name,
        }),
    }
}
