//! What a driver knows of the operation that it sees through.

use std::time::Duration;

use reoclo_domain::{
    ClientSource, Clock, OperationId, OperationKind, OrganizationId, ServerId, Timestamp,
};
use reoclo_store::{Actor, NewOperation, RequestSource};
use reoclo_wire::proto::StartRequest;

use crate::kinds::{Payload, Rules, rules};
use crate::runners::Link;
use crate::settings::Settings;

/// Moments on the control plane's monotonic clock.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    /// Nothing starts after this moment.
    pub(crate) start_by: Duration,
    /// Without any report by then, the operation is lost.
    pub(crate) lost_at: Duration,
}

/// One operation on its way to a runner.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pub(crate) id: OperationId,
    pub(crate) organization: OrganizationId,
    pub(crate) server: ServerId,
    pub(crate) server_name: String,
    pub(crate) kind: OperationKind,
    pub(crate) starter: Actor,
    pub(crate) via: Option<ClientSource>,
    pub(crate) created_at: Timestamp,
    /// Since when it may have been sent: when it was begun, or when it left its queue.
    pub(crate) sendable_at: Timestamp,
    pub(crate) timeout_seconds: u32,
    /// The host's boot when the operation was accepted.
    pub(crate) boot_id: String,
    /// The instance that it was first meant for.
    pub(crate) instance_id: String,
    /// What to run; gone once a runner has it.
    pub(crate) payload: Option<Payload>,
}

impl Dispatch {
    pub(crate) fn of(operation: &NewOperation, payload: Option<Payload>) -> Self {
        Self {
            id: operation.id,
            organization: operation.organization,
            server: operation.server,
            server_name: operation.server_name.clone(),
            kind: operation.kind,
            starter: operation.starter.clone(),
            via: operation.via.clone(),
            created_at: operation.created_at,
            sendable_at: operation.created_at,
            timeout_seconds: operation.timeout_seconds,
            boot_id: operation.boot_id.clone(),
            instance_id: operation.instance_id.clone(),
            payload,
        }
    }

    /// What holds for an operation of its kind.
    pub(crate) const fn rules(&self) -> Rules {
        rules(self.kind)
    }

    /// What is known of where it came from once nobody waits for it any more.
    pub(crate) fn source(&self) -> RequestSource {
        RequestSource {
            via: self.via.clone(),
            ..RequestSource::default()
        }
    }

    /// The moments on the monotonic clock by which the operation must have started and ended.
    ///
    /// The wall clock tells only how much of them an earlier process has used up: one that is set
    /// back must not let an operation start later than its deadline.
    pub(crate) fn deadlines(&self, clock: &dyn Clock, settings: &Settings) -> Deadlines {
        let (used, now) = (clock.now().since(self.sendable_at), clock.monotonic());
        let timeout = Duration::from_secs(self.timeout_seconds.into());
        let left = |whole: Duration| now.saturating_add(whole.saturating_sub(used));
        let silence = (self.rules().silence)(settings);
        Deadlines {
            start_by: left(settings.start_deadline),
            lost_at: left(timeout.saturating_add(silence)),
        }
    }

    /// The request to start on `link`, with the deadline on that instance's own clock.
    pub(crate) fn start_request(&self, link: &Link, not_after_ms: u64) -> Option<StartRequest> {
        let payload = self.payload.clone()?;
        Some(StartRequest {
            operation_id: self.id.to_string(),
            instance_id: link.instance_id().to_owned(),
            not_after_ms,
            action: Some(payload.action(self.timeout_seconds)),
        })
    }
}
