//! Who has a place among the connections, and who makes way for whom.

mod address;
mod room;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reoclo_domain::Clock;
use tokio::sync::Notify;
use tokio::time::timeout;

use address::Address;
pub(super) use address::counted;
use room::Ledger;

use super::ConnectionLimits;
use super::held::Held;
use super::standing::{Kind, Standing};

/// How long a connection may wait for a place.
const DOOR_TIME: Duration = Duration::from_secs(1);
/// Connections that wait for a place: of one address, and in all.
const MOST_AT_DOOR_OF_ADDRESS: usize = 1024;
const MOST_AT_DOOR: usize = 4096;
/// Who waits looks again after this; some make way by getting older.
const DOOR_TICK: Duration = Duration::from_millis(50);
/// Strangers that are asked to make way, the oldest first.
const MOST_ASKED: usize = 512;

/// The places of a control plane, for all of its listeners.
pub(crate) struct Places {
    pub(super) limits: ConnectionLimits,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: Ledger,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    strangers: BTreeMap<u64, Arc<Standing>>,
    callers: usize,
    runners: usize,
    at_door: usize,
    addresses: HashMap<IpAddr, Address>,
}

/// A place; it is free again when this is dropped, with the connection's socket.
#[derive(Debug)]
pub(super) struct Place(pub(super) Arc<Standing>);

/// The request of somebody behind a trusted proxy who has not authenticated.
#[derive(Debug)]
pub(super) struct Asking {
    places: Arc<Places>,
    address: IpAddr,
}

/// What becomes of somebody at the door.
enum Entry {
    Place(Place),
    Wait,
    Refused,
}

impl Places {
    pub(super) fn new(limits: ConnectionLimits, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            ledger: Ledger::new(limits.bytes_of_strangers),
            limits,
            clock,
            taken: Mutex::default(),
            freed: Notify::new(),
        })
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// A place for a new connection; none when it has to go. `address` is where it is counted, and
    /// is nowhere for a trusted proxy.
    pub(super) async fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Place> {
        match self.try_enter(address, self.limits.grace) {
            Entry::Place(place) => return Some(place),
            Entry::Refused => return None,
            Entry::Wait => {}
        }
        let _waiting = AtDoor::of(self, address)?;
        let end = self.now() + DOOR_TIME;
        while self.now() < end {
            // Told or not, it is worth a look.
            let _ = timeout(DOOR_TICK, self.freed.notified()).await;
            if let Entry::Place(place) = self.try_enter(address, self.limits.grace) {
                return Some(place);
            }
        }
        match self.try_enter(address, Duration::ZERO) {
            Entry::Place(place) => Some(place),
            Entry::Wait | Entry::Refused => None,
        }
    }

    fn try_enter(self: &Arc<Self>, address: Option<IpAddr>, grace: Duration) -> Entry {
        let mut taken = self.taken();
        let here = address.and_then(|address| taken.addresses.get(&address));
        let is_full_here = here.is_some_and(|here| here.len() >= self.limits.most_of_address);
        if is_full_here || taken.is_full(&self.limits) {
            let grace = if taken.is_door_full(address) {
                Duration::ZERO
            } else {
                grace
            };
            let asked_at = address.filter(|_| is_full_here);
            let Some(found) = taken.who_makes_way(asked_at, self.now(), grace) else {
                return if grace.is_zero() {
                    Entry::Refused
                } else {
                    Entry::Wait
                };
            };
            taken.remove(&found);
            found.evict();
        }
        Entry::Place(Place(taken.add(self, address)))
    }

    /// The connection is that of a caller who has authenticated.
    pub(super) fn is_of_caller(&self, standing: &Standing) {
        let mut taken = self.taken();
        if taken.callers < self.limits.most_callers() && standing.kind() == Kind::Stranger {
            taken.remove(standing);
            taken.callers += 1;
            standing.becomes(Kind::Caller);
            drop(taken);
            self.freed.notify_one();
        }
    }

    /// The connection is the link of a runner that has proven who it is.
    pub(super) fn is_of_runner(&self, standing: &Standing) {
        let mut taken = self.taken();
        if taken.runners < self.limits.most_runners()
            && matches!(standing.kind(), Kind::Stranger | Kind::Caller)
        {
            taken.remove(standing);
            taken.runners += 1;
            standing.becomes(Kind::Runner);
            drop(taken);
            self.freed.notify_one();
        }
    }

    /// Counts a request from behind a proxy; none when too many are under way from there.
    pub(super) fn ask(self: &Arc<Self>, address: IpAddr) -> Option<Asking> {
        let mut taken = self.taken();
        let here = taken.addresses.entry(address).or_default();
        if here.asking >= self.limits.most_of_address {
            return None;
        }
        here.asking += 1;
        Some(Asking {
            places: Arc::clone(self),
            address,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn is_full(&self, limits: &ConnectionLimits) -> bool {
        let all = self.strangers.len() + self.callers + self.runners;
        self.strangers.len() >= limits.most_strangers() || all >= limits.most
    }

    fn is_door_full(&self, address: Option<IpAddr>) -> bool {
        let here = address.and_then(|address| self.addresses.get(&address));
        self.at_door >= MOST_AT_DOOR
            || here.is_some_and(|here| here.at_door >= MOST_AT_DOOR_OF_ADDRESS)
    }

    /// Who has kept us waiting for longer than the grace, the oldest connection first: of the
    /// address, or of all.
    fn who_makes_way(
        &self,
        address: Option<IpAddr>,
        now: Duration,
        grace: Duration,
    ) -> Option<Arc<Standing>> {
        let makes_way = |standing: &&Arc<Standing>| standing.makes_way(now, grace);
        let found = match address.and_then(|address| self.addresses.get(&address)) {
            Some(here) => here
                .ids()
                .filter_map(|id| self.strangers.get(&id))
                .find(makes_way),
            None => self.strangers.values().take(MOST_ASKED).find(makes_way),
        };
        found.map(Arc::clone)
    }

    fn add(&mut self, places: &Arc<Places>, address: Option<IpAddr>) -> Arc<Standing> {
        self.next += 1;
        let standing = Arc::new(Standing::new(self.next, address, Arc::clone(places)));
        if let Some(address) = address {
            self.addresses.entry(address).or_default().add(self.next);
        }
        self.strangers.insert(self.next, Arc::clone(&standing));
        standing
    }

    /// Takes it out of whatever counts it.
    fn remove(&mut self, standing: &Standing) {
        match standing.kind() {
            Kind::Stranger => {
                self.strangers.remove(&standing.id);
                if let Some(address) = standing.address {
                    self.change(address, |here| here.remove(standing.id));
                }
            }
            Kind::Caller => self.callers -= 1,
            Kind::Runner => self.runners -= 1,
            Kind::Gone => {}
        }
        standing.becomes(Kind::Gone);
    }

    fn change(&mut self, address: IpAddr, change: impl FnOnce(&mut Address)) {
        if let Some(here) = self.addresses.get_mut(&address) {
            change(here);
            if here.is_empty() {
                self.addresses.remove(&address);
            }
        }
        // What a peak needed is not kept for the next one.
        if self.addresses.len() * 4 < self.addresses.capacity() && self.addresses.capacity() > 64 {
            self.addresses.shrink_to_fit();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let places = Arc::clone(&self.0.places);
        places.taken().remove(&self.0);
        self.0.hold(Held::ends);
        places.freed.notify_one();
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.change(self.address, |here| here.asking -= 1);
    }
}

/// Somebody who waits for a place.
struct AtDoor<'p> {
    places: &'p Places,
    address: Option<IpAddr>,
}

impl<'p> AtDoor<'p> {
    fn of(places: &'p Places, address: Option<IpAddr>) -> Option<Self> {
        let mut taken = places.taken();
        if taken.is_door_full(address) {
            return None;
        }
        taken.at_door += 1;
        if let Some(address) = address {
            taken.addresses.entry(address).or_default().at_door += 1;
        }
        Some(Self { places, address })
    }
}

impl Drop for AtDoor<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.at_door -= 1;
        if let Some(address) = self.address {
            taken.change(address, |here| here.at_door -= 1);
        }
    }
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Places").finish_non_exhaustive()
    }
}
