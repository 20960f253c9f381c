//! What every part of the use cases needs: where things are kept, the time, and randomness.

use std::fmt;
use std::sync::Arc;

use reoclo_dispatch::Complaints;
use reoclo_domain::{Clock, Entropy, Timestamp};
use reoclo_store::{Store, StoreError};

/// The store, the clock and the source of randomness; clones share them.
#[derive(Clone)]
pub struct Core {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    complaints: Arc<Complaints>,
}

impl Core {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            store,
            clock,
            entropy,
            complaints: Arc::default(),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// Tells of what could not be stored, once a minute.
    pub(crate) fn complain(&self, what: &'static str, error: &StoreError) {
        self.complaints.tell(self.clock.monotonic(), what, error);
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}
