//! Whether requests can be served.

use std::time::Duration;

use reoclo_dispatch::Drain;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::core::Core;

/// Strangers may ask, and each answer is a commit: one serves all who ask within this time.
const KEPT: Duration = Duration::from_secs(1);
/// A database that says nothing for this long takes no requests.
const PATIENCE: Duration = Duration::from_secs(2);
/// A change that could not be written counts for this long, unless a later one could.
const FAULT_COUNTS: Duration = Duration::from_secs(10);

/// The last answer, and when it was found; its lock lets one ask at a time.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Duration, bool)>>);

impl Readiness {
    /// Whether the database reads and takes changes, and the process is not stopping.
    pub(crate) async fn ready(&self, core: &Core, drain: &Drain) -> bool {
        if drain.has_begun() {
            return false;
        }
        let mut known = self.0.lock().await;
        if let Some((at, was_ready)) = *known
            && core.clock().monotonic().saturating_sub(at) < KEPT
        {
            return was_ready;
        }
        let is_ready = takes_changes(core).await;
        *known = Some((core.clock().monotonic(), is_ready));
        is_ready
    }
}

async fn takes_changes(core: &Core) -> bool {
    if core.store().has_failed_to_write(FAULT_COUNTS) {
        return false;
    }
    matches!(timeout(PATIENCE, core.store().ping()).await, Ok(Ok(())))
}
