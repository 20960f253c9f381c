use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{Clock, Timestamp};
use reoclo_wire::ability;
use reoclo_wire::proto::Description;
use reoclo_wire::proto::refused::Reason;
use tokio::sync::watch;

use super::predecessors::Predecessors;
use crate::exec::{DockerCli, Means};
use crate::facts::{self, Docker};
use crate::host::Sampler;
use crate::operation::{Operations, Refusal};
use crate::spool::Origin;

/// Everything that one run of the supervisor consists of.
pub(super) struct Instance {
    pub(super) origin: Origin,
    /// The program that reboots the host, and its arguments.
    pub(super) reboot_command: Vec<OsString>,
    pub(super) means: Means,
    pub(super) store_after: Duration,
    pub(super) operations: Operations,
    pub(super) docker: Docker,
    pub(super) docker_cli: DockerCli,
    pub(super) sampler: Sampler,
    pub(super) port_turn: tokio::sync::Mutex<()>,
    pub(super) since: Timestamp,
    pub(super) retirement: watch::Sender<Retirement>,
    pub(super) predecessors: Arc<Predecessors>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Whether another program is to take the supervisor's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retirement {
    No,
    /// As soon as nothing runs.
    Wanted,
    /// Now: nothing new begins here.
    Begun,
    /// Another supervisor is there, and is to be the only one that takes what is new.
    SuccessionWanted,
    /// It is: this one ends with its last command.
    Succeeded,
}

/// Until when an operation may be started, and on whose clock.
pub(super) struct Deadline {
    pub(super) instance_id: String,
    pub(super) not_after_ms: u64,
}

impl Instance {
    /// Whether a new operation may still be started here.
    pub(super) fn check(&self, deadline: &Deadline) -> Result<(), Refusal> {
        if deadline.instance_id != self.origin.instance_id {
            let message = "the supervisor was started anew since";
            return Err(Refusal::new(Reason::OtherInstance, message));
        }
        // Nobody hears this: the connection is closed already, and the operation is sent again.
        if matches!(
            *self.retirement.borrow(),
            Retirement::Begun | Retirement::Succeeded
        ) {
            let message = "the supervisor is being replaced";
            return Err(Refusal::new(Reason::OtherInstance, message));
        }
        if self.monotonic_ms() > deadline.not_after_ms {
            let message = "the time to start has passed";
            return Err(Refusal::new(Reason::TooLate, message));
        }
        Ok(())
    }

    pub(super) async fn describe(&self) -> Description {
        let docker_version = self.docker.version().await;
        Description {
            instance_id: self.origin.instance_id.clone(),
            boot_id: self.origin.boot_id.clone(),
            monotonic_ms: self.monotonic_ms(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            facts: Some(facts::gather(docker_version)),
            running: u32::try_from(*self.operations.running().borrow()).unwrap_or(u32::MAX),
            abilities: ability::own(),
        }
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }
}
