//! Attempts to sign in that wait for their turn.

use std::sync::{Mutex, PoisonError};

use reoclo_store::RequestSource;
use tokio::sync::oneshot;

use crate::fair::{self, FairRoom};

/// Attempts that wait at a time: of more, the network has to leave from which the most wait.
const MOST_WAITING: usize = 256;
/// Of them, how many come from one address; offices share one.
const MOST_OF_ADDRESS: usize = 16;

/// Attempts that wait; whoever is known does not.
#[derive(Debug)]
pub(crate) struct Waiting(Mutex<FairRoom<oneshot::Sender<()>>>);

impl Default for Waiting {
    fn default() -> Self {
        Self(Mutex::new(FairRoom::new(MOST_WAITING, MOST_OF_ADDRESS)))
    }
}

/// A place among those that wait; it is free again when this is dropped.
pub(super) struct Waits<'w> {
    among: &'w Waiting,
    place: fair::Place,
    /// Ends when somebody else has the place.
    pub(super) sent_away: oneshot::Receiver<()>,
}

impl Waiting {
    /// A place for somebody from there, unless there is none.
    pub(super) fn enter(&self, source: &RequestSource) -> Option<Waits<'_>> {
        let (stays, sent_away) = oneshot::channel();
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, _) = room.enter(source.ip, stays)?;
        Some(Waits {
            among: self,
            place,
            sent_away,
        })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let room = self.among.0.lock();
        room.unwrap_or_else(PoisonError::into_inner)
            .serve(self.place);
    }
}
