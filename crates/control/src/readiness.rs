//! Whether requests can be served.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::Control;

/// Strangers may ask, and each answer is a commit: one serves all who ask within this time.
const KEPT: Duration = Duration::from_secs(1);
/// A database that says nothing for this long takes no requests.
const PATIENCE: Duration = Duration::from_secs(2);
/// A change that could not be written counts for this long, unless a later one could.
const FAULT_COUNTS: Duration = Duration::from_secs(10);

/// The last answer, and when it was found; its lock lets one ask at a time.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Duration, bool)>>);

impl Control {
    /// Whether the database reads and takes changes, and the process is not stopping.
    pub async fn ready(&self) -> bool {
        if self.drain().has_begun() {
            return false;
        }
        let mut known = self.readiness().0.lock().await;
        if let Some((at, was_ready)) = *known
            && self.clock().monotonic().saturating_sub(at) < KEPT
        {
            return was_ready;
        }
        let is_ready = self.takes_changes().await;
        *known = Some((self.clock().monotonic(), is_ready));
        is_ready
    }

    async fn takes_changes(&self) -> bool {
        if self.store().has_failed_to_write(FAULT_COUNTS) {
            return false;
        }
        matches!(timeout(PATIENCE, self.store().ping()).await, Ok(Ok(())))
    }
}
