//! All strangers together hold no more than so many bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::standing::Standing;
use super::{DOOR_TICK, DOOR_TIME, Place, Places};
use tokio::time::timeout;

/// What they hold.
#[derive(Debug)]
pub(in crate::listener) struct Ledger {
    most: usize,
    all: AtomicUsize,
    /// Of it, what is held by connections that have been told to go.
    leaving: AtomicUsize,
}

impl Ledger {
    pub(super) const fn new(most: usize) -> Self {
        Self {
            most,
            all: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
        }
    }

    pub(in crate::listener) fn change(&self, before: usize, after: usize, is_leaving: bool) {
        change(&self.all, before, after);
        if is_leaving {
            change(&self.leaving, before, after);
        }
    }

    pub(in crate::listener) fn leaves(&self, bytes: usize) {
        change(&self.leaving, 0, bytes);
    }

    fn all(&self) -> usize {
        self.all.load(Ordering::Acquire)
    }

    /// Without what is about to go.
    fn staying(&self) -> usize {
        let leaving = self.leaving.load(Ordering::Acquire);
        self.all().saturating_sub(leaving)
    }

    /// Those who are told to go need a moment to be gone.
    fn has_room(&self) -> bool {
        self.staying() <= self.most && self.all() <= self.most.saturating_mul(2)
    }

    /// Room is made for many at once, since looking for it looks at everybody.
    fn has_plenty(&self) -> bool {
        self.staying() <= self.most - self.most / 8
    }
}

fn change(counter: &AtomicUsize, before: usize, after: usize) {
    if after >= before {
        counter.fetch_add(after - before, Ordering::AcqRel);
    } else {
        counter.fetch_sub(before - after, Ordering::AcqRel);
    }
}

impl Places {
    /// Whether there is room for what strangers hold, after those have made way who keep us
    /// waiting longest with the most.
    pub(in crate::listener) fn has_room(&self) -> bool {
        for grace in [self.limits.grace, Duration::ZERO] {
            if self.ledger.staying() > self.ledger.most {
                self.make_room(grace);
            }
        }
        self.ledger.has_room()
    }

    fn make_room(&self, grace: Duration) {
        let now = self.now();
        let mut taken = self.taken();
        let waiting = taken.strangers.values().filter_map(|standing| {
            let weight = standing.weight(now, grace)?;
            Some((weight, Arc::clone(standing)))
        });
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_unstable_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        for (_, found) in waiting {
            if self.ledger.has_plenty() {
                break;
            }
            taken.remove(&found);
            found.evict();
        }
    }

    /// A place whose connection may hold what every connection needs; none when there is no room
    /// for it.
    pub(in crate::listener) async fn with_room(
        &self,
        place: Place,
        has_tls: bool,
    ) -> Option<Place> {
        let standing: &Standing = &place.0;
        // Over a proxy's connection come those who are known as well.
        let is_proxy = standing.address.is_none();
        let mut has_room = standing.hold(|held| held.opens(has_tls)) || is_proxy;
        let end = self.now() + DOOR_TIME;
        while !has_room && self.now() < end {
            // Told or not, it is worth a look.
            let _ = timeout(DOOR_TICK, self.freed.notified()).await;
            has_room = self.has_room();
        }
        has_room.then_some(place)
    }
}
