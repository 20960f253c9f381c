//! Operations that nobody runs.

use std::time::Duration;

use reoclo_domain::{Clock, OperationId, OperationKind, OperationState, Secret};
use reoclo_store::{Actor, ActorKind, KeyRef, NewOperation, OperationOutcome, Tail};
use reoclo_testkit::RealEntropy;

use super::{Organization, World};

impl World {
    /// An operation on the organization's server that a key has begun and nobody runs.
    pub(crate) async fn operation(&self, of: &Organization, starter: KeyRef) -> OperationId {
        self.operation_with(of, starter, |_| {}).await
    }

    pub(crate) async fn operation_with(
        &self,
        of: &Organization,
        starter: KeyRef,
        change: impl FnOnce(&mut NewOperation),
    ) -> OperationId {
        let (kind, id) = match starter {
            KeyRef::Integration(id) => (ActorKind::IntegrationKey, id.as_uuid()),
            KeyRef::Automation(id) => (ActorKind::AutomationKey, id.as_uuid()),
        };
        self.clock.advance(Duration::from_millis(1));
        let mut new = NewOperation {
            id: OperationId::new(&*self.clock, &RealEntropy),
            organization: of.id,
            server: of.server,
            server_name: "web".into(),
            kind: OperationKind::Exec,
            starter: Actor {
                kind,
                id: Some(id),
                label: "test".into(),
            },
            via: None,
            command: Some("true".into()),
            timeout_seconds: 60,
            run_id: None,
            run_context: None,
            boot_id: "boot".into(),
            instance_id: "instance".into(),
            created_at: self.clock.now(),
            queued_at: None,
        };
        change(&mut new);
        let id = new.id;
        let payload = Secret::new("{}");
        let begun = self.store().begin_operation(new, &payload, Vec::new());
        begun.await.unwrap();
        id
    }

    /// Ends an operation with this output.
    pub(crate) async fn end(&self, id: OperationId, stdout: &[u8]) {
        self.end_with(id, stdout, |_| {}).await;
    }

    pub(crate) async fn end_with(
        &self,
        id: OperationId,
        stdout: &[u8],
        change: impl FnOnce(&mut OperationOutcome),
    ) {
        let mut outcome = OperationOutcome {
            state: OperationState::Completed,
            code: None,
            message: None,
            exit_code: 0,
            signal: None,
            duration_us: 1500,
            left_running: 0,
            still_held: 0,
            stdout: Tail {
                bytes: stdout.to_vec(),
                total: stdout.len().try_into().unwrap(),
                truncated: false,
            },
            stderr: Tail::default(),
            completed_at: self.clock.now(),
        };
        change(&mut outcome);
        let ended = self.store().finish_operation(id, outcome, Vec::new());
        assert!(ended.await.unwrap());
    }
}
