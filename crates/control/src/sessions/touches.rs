//! When sessions were last used, written off the request path.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reoclo_domain::{SessionId, Timestamp};

use crate::core::Core;

/// A use within this time of the one that is noted is not noted.
const NOTE_EVERY: Duration = Duration::from_mins(1);

/// Uses that are to be written.
#[derive(Debug, Default)]
pub(crate) struct SessionTouches(Mutex<HashMap<SessionId, Timestamp>>);

impl SessionTouches {
    /// Notes a use; `noted_at` is the one that is stored.
    pub(super) fn note(&self, session: SessionId, noted_at: Timestamp, now: Timestamp) {
        if now.since(noted_at) >= NOTE_EVERY {
            self.uses().insert(session, now);
        }
    }

    /// Writes which sessions were used.
    pub(crate) async fn write(&self, core: &Core) {
        let due = std::mem::take(&mut *self.uses());
        let written = core.store().touch_sessions(due.into_iter().collect());
        if let Err(error) = written.await {
            core.complain("the last use of sessions could not be recorded", &error);
        }
    }

    fn uses(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
