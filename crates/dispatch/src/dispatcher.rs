//! What runners and operations share.

use std::fmt;
use std::sync::Arc;

use reoclo_domain::{Clock, Entropy, OperationId, OrganizationId, ServerId, Timestamp};
use reoclo_store::{Store, StoreError};

use crate::checks::Checks;
use crate::complaints::Complaints;
use crate::drain::Drain;
use crate::grant::Authority;
use crate::live::{Live, LiveOperations};
use crate::runners::Seats;
use crate::settings::Settings;

/// Holds the connections of runners and sees operations through; clones share everything.
#[derive(Clone)]
pub struct Dispatcher(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Settings,
    drain: Drain,
    seats: Seats,
    live: LiveOperations,
    checks: Checks,
    complaints: Complaints,
}

/// What a dispatcher is made of.
pub struct Parts {
    /// Where records are kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Delays and limits.
    pub settings: Settings,
    /// Says when the process begins to stop.
    pub drain: Drain,
}

/// Numbers for `/metrics`.
#[derive(Clone, Copy, Debug)]
pub struct Statistics {
    /// Runners connected to this process.
    pub connected_runners: usize,
    /// Operations that this process follows.
    pub running_operations: usize,
}

impl Dispatcher {
    /// A dispatcher that nobody is connected to, and the authority over it.
    pub fn new(parts: Parts) -> (Self, Authority) {
        let Parts {
            store,
            clock,
            entropy,
            settings,
            drain,
        } = parts;
        let dispatcher = Self(Arc::new(Inner {
            seats: Seats::new(settings.operations_per_server, settings.queued_per_server),
            checks: Checks::new(clock.monotonic()),
            store,
            clock,
            entropy,
            settings,
            drain,
            live: LiveOperations::default(),
            complaints: Complaints::default(),
        }));
        (dispatcher, Authority::new())
    }

    /// Numbers for `/metrics`.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            connected_runners: self.seats().connected(),
            running_operations: self.seats().running(),
        }
    }

    /// Whether a server's runner is connected to this process.
    pub fn is_connected(&self, server: ServerId) -> bool {
        self.seats().is_connected(server)
    }

    /// Ends the connection of a server that was removed.
    pub fn dismiss(&self, server: ServerId) {
        self.seats().dismiss(server);
    }

    /// An organization's operation that this process sees through.
    pub fn live_operation(
        &self,
        organization: OrganizationId,
        id: OperationId,
    ) -> Option<Arc<Live>> {
        self.live().find(organization, id)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn drain(&self) -> &Drain {
        &self.0.drain
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.0.seats
    }

    pub(crate) fn live(&self) -> &LiveOperations {
        &self.0.live
    }

    pub(crate) fn checks(&self) -> &Checks {
        &self.0.checks
    }

    pub(crate) fn complain(&self, what: &'static str, error: &StoreError) {
        let now = self.0.clock.monotonic();
        self.0.complaints.tell(now, what, error);
    }
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}
