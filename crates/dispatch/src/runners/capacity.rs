//! How much a server has to do, and who is next.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The operations of one server: some run, the others wait in the order in which they came.
pub(super) struct Capacity {
    /// A permit for each that may run; it is fair, and nobody overtakes one who waits.
    slots: Arc<Semaphore>,
    queued: Arc<AtomicUsize>,
}

/// Where an accepted operation stands.
pub(crate) enum Admission {
    /// It may be sent.
    Admitted(Slot),
    /// It waits.
    Queued(Waiting),
}

/// Room for one operation on a server; given back when dropped.
pub(crate) struct Slot {
    /// None of an operation beyond the limit, from before a restart.
    _permit: Option<OwnedSemaphorePermit>,
    _running: Counted,
}

/// A place in the queue; given up when dropped.
pub(crate) struct Waiting {
    turn: Turn,
    queued: Counted,
    running: Arc<AtomicUsize>,
}

type Turn = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// One more, until dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Capacity {
    pub(super) fn new(running: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(running)),
            queued: Arc::default(),
        }
    }

    /// A place, unless as many as may wait already; `running` counts what runs on all servers.
    pub(super) fn take(&self, most_queued: usize, running: &Arc<AtomicUsize>) -> Option<Admission> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Some(Admission::Admitted(Slot::new(Some(permit), running)));
        }
        if self.queued.load(Ordering::Relaxed) >= most_queued {
            return None;
        }
        Some(Admission::Queued(self.queue_up(running)))
    }

    pub(super) fn queue_up(&self, running: &Arc<AtomicUsize>) -> Waiting {
        let mut turn: Turn = Box::pin(Arc::clone(&self.slots).acquire_owned());
        // Who asks first is first in the queue, however the tasks are run later.
        if let Poll::Ready(permit) = turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            turn = Box::pin(std::future::ready(permit));
        }
        Waiting {
            turn,
            queued: Counted::new(&self.queued),
            running: Arc::clone(running),
        }
    }

    pub(super) fn count(&self, running: &Arc<AtomicUsize>) -> Slot {
        Slot::new(Arc::clone(&self.slots).try_acquire_owned().ok(), running)
    }
}

impl Slot {
    fn new(permit: Option<OwnedSemaphorePermit>, running: &Arc<AtomicUsize>) -> Self {
        Self {
            _permit: permit,
            _running: Counted::new(running),
        }
    }
}

impl Waiting {
    /// Waits until there is room.
    pub(crate) async fn turn(self) -> Slot {
        let permit = self.turn.await;
        drop(self.queued);
        // The semaphore is never closed.
        Slot::new(permit.ok(), &self.running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(admission: Option<Admission>) -> Slot {
        match admission {
            Some(Admission::Admitted(slot)) => slot,
            _ => panic!("no capacity"),
        }
    }

    fn queued(admission: Option<Admission>) -> Waiting {
        match admission {
            Some(Admission::Queued(waiting)) => waiting,
            _ => panic!("no admission in the queue"),
        }
    }

    #[tokio::test]
    async fn whoever_came_first_is_next_and_the_queue_is_bounded() {
        let (capacity, running) = (Capacity::new(1), Arc::default());
        let take = || capacity.take(2, &running);
        let slot = taken(take());
        let (first, second) = (queued(take()), queued(take()));
        assert!(take().is_none());
        drop(slot);
        // Room was given to the first, so nobody who comes now overtakes.
        assert!(take().is_none());
        let mut second = tokio::spawn(second.turn());
        let slot = first.turn().await;
        assert_eq!(running.load(Ordering::Relaxed), 1);
        tokio::select! {
            biased;
            _ = &mut second => panic!("two at once"),
            () = tokio::task::yield_now() => {}
        }
        drop(slot);
        drop(second.await.unwrap());
        drop(taken(take()));
    }

    #[tokio::test]
    async fn who_leaves_the_queue_makes_room_in_it() {
        let (capacity, running) = (Capacity::new(1), Arc::default());
        let slot = taken(capacity.take(1, &running));
        let waiting = queued(capacity.take(1, &running));
        drop(waiting);
        let next = queued(capacity.take(1, &running));
        drop(slot);
        drop(next.turn().await);
    }

    #[tokio::test]
    async fn what_ran_before_a_restart_counts_also_beyond_the_limit() {
        let (capacity, running) = (Capacity::new(1), Arc::default());
        let slots = [capacity.count(&running), capacity.count(&running)];
        let waiting = capacity.queue_up(&running);
        let [first, second] = slots;
        drop(second);
        drop(first);
        drop(waiting.turn().await);
    }
}
