//! What a driver knows of the operation that it sees through.

use std::time::Duration;

use reoclo_domain::{OperationId, OperationKind, OrganizationId, ServerId, Timestamp};
use reoclo_store::{Actor, NewOperation};
use reoclo_wire::proto::{Exec, StartRequest, start_request::Action};

use super::ExecPayload;
use crate::Settings;
use crate::runners::Link;

/// One operation on its way to a runner.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pub(crate) id: OperationId,
    pub(crate) organization: OrganizationId,
    pub(crate) server: ServerId,
    pub(crate) kind: OperationKind,
    pub(crate) starter: Actor,
    pub(crate) created_at: Timestamp,
    pub(crate) timeout_seconds: u32,
    /// The host's boot when the operation was accepted.
    pub(crate) boot_id: String,
    /// The instance that it was first meant for.
    pub(crate) instance_id: String,
    /// What to run; gone once a runner has it.
    pub(crate) payload: Option<ExecPayload>,
}

impl Dispatch {
    pub(crate) fn of(operation: &NewOperation, payload: Option<ExecPayload>) -> Self {
        Self {
            id: operation.id,
            organization: operation.organization,
            server: operation.server,
            kind: operation.kind,
            starter: operation.starter.clone(),
            created_at: operation.created_at,
            timeout_seconds: operation.timeout_seconds,
            boot_id: operation.boot_id.clone(),
            instance_id: operation.instance_id.clone(),
            payload,
        }
    }

    /// Nothing starts after this moment.
    pub(crate) fn start_by(&self, settings: &Settings) -> Timestamp {
        self.created_at.plus(settings.start_deadline)
    }

    /// Without any report by then, the operation is lost.
    pub(crate) fn lost_at(&self, settings: &Settings) -> Timestamp {
        let timeout = Duration::from_secs(self.timeout_seconds.into());
        self.created_at.plus(timeout).plus(settings.lost_after)
    }

    /// The request to start on `link`, with the deadline on that instance's own clock.
    pub(crate) fn start_request(&self, link: &Link, not_after_ms: u64) -> Option<StartRequest> {
        let payload = self.payload.clone()?;
        Some(StartRequest {
            operation_id: self.id.to_string(),
            instance_id: link.instance_id().to_owned(),
            not_after_ms,
            action: Some(Action::Exec(Exec {
                command: payload.command,
                working_directory: payload.working_directory.unwrap_or_default(),
                env: payload.env.into_iter().collect(),
                timeout_seconds: self.timeout_seconds,
                mask: payload.mask.into_iter().map(Into::into).collect(),
            })),
        })
    }
}
