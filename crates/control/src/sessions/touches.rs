//! When sessions were last used, written off the request path.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reoclo_domain::{SessionId, Timestamp};

use crate::Control;

/// A use within this time of the one that is noted is not noted.
const NOTE_EVERY: Duration = Duration::from_mins(1);

/// Uses that are to be written.
#[derive(Debug, Default)]
pub(crate) struct SessionTouches(Mutex<HashMap<SessionId, Timestamp>>);

impl Control {
    pub(super) fn note_session_use(&self, session: SessionId, noted_at: Timestamp) {
        let now = self.now();
        if now.since(noted_at) >= NOTE_EVERY {
            let touches = &self.session_touches().0;
            let mut touches = touches.lock().unwrap_or_else(PoisonError::into_inner);
            touches.insert(session, now);
        }
    }

    /// Writes which sessions were used; called every second and at the end.
    pub async fn write_session_uses(&self) {
        let due = {
            let touches = &self.session_touches().0;
            let mut touches = touches.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *touches)
        };
        if let Err(error) = self.store().touch_sessions(due.into_iter().collect()).await {
            self.complain("the last use of sessions could not be recorded", &error);
        }
    }
}
