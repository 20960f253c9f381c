//! How one connection stands: who it is of, and who keeps whom waiting on it.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use axum::extract::FromRequestParts;
use futures_util::task::AtomicWaker;
use http::request::Parts;
use tokio::time::sleep;

use super::held::Held;
use super::pace::Pace;
use super::places::{Asking, Places, counted};

/// What the edge and the check of credentials know of a request's connection.
pub(crate) struct Standing {
    pub(super) id: u64,
    /// Where it is counted; nowhere for a trusted proxy.
    pub(super) address: Option<IpAddr>,
    pub(super) places: Arc<Places>,
    kind: AtomicU8,
    pace: Mutex<Pace>,
    held: Mutex<Held>,
    /// The total of what is held; it changes while that is locked.
    bytes: AtomicUsize,
    asking: Mutex<Option<Asking>>,
    evicted: AtomicBool,
    waker: AtomicWaker,
}

/// Who a connection is of. [`Places`] alone changes it, while it is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Stranger,
    Caller,
    Runner,
    /// It is counted no more.
    Gone,
}

/// The standing of a request's connection, if it came over one.
#[derive(Clone, Debug)]
pub(crate) struct OfConnection(pub(crate) Option<Arc<Standing>>);

impl<S: Sync> FromRequestParts<S> for OfConnection {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Self, std::convert::Infallible> {
        Ok(Self(parts.extensions.get::<Arc<Standing>>().cloned()))
    }
}

impl Standing {
    pub(super) fn new(id: u64, address: Option<IpAddr>, places: Arc<Places>) -> Self {
        let pace = Pace::new(&places.limits, places.now());
        Self {
            id,
            address,
            places,
            kind: AtomicU8::new(Kind::Stranger as u8),
            pace: Mutex::new(pace),
            held: Mutex::default(),
            bytes: AtomicUsize::new(0),
            asking: Mutex::default(),
            evicted: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        }
    }

    /// A request of it showed a credential that is good.
    pub(crate) fn authenticated(&self) {
        if self.kind() == Kind::Stranger {
            self.places.is_of_caller(self);
        }
        self.hold(Held::is_known);
        self.asks_no_more();
    }

    /// It is the link of a runner that has proven who it is.
    pub(crate) fn is_a_runner(&self) {
        self.places.is_of_runner(self);
        self.hold(Held::is_known);
        self.asks_no_more();
    }

    /// Whether `client` may ask something over the connection from `peer`: behind a trusted proxy
    /// it is requests that are counted.
    pub(crate) fn may_ask(&self, peer: IpAddr, client: IpAddr) -> bool {
        let client = client.to_canonical();
        if self.address.is_some() || client == peer.to_canonical() {
            return true;
        }
        self.asks_no_more();
        let asking = self.places.ask(counted(client));
        let may = asking.is_some();
        *self.asking.lock().unwrap_or_else(PoisonError::into_inner) = asking;
        may
    }

    fn asks_no_more(&self) {
        if self.address.is_none() {
            let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
            let asking = asking.take();
            drop(asking);
        }
    }

    /// The body of an answer has ended.
    pub(super) fn answered(&self) {
        self.pace(Pace::answered);
        self.hold(Held::answered);
        self.asks_no_more();
    }

    pub(super) fn pace<R>(&self, act: impl FnOnce(&mut Pace, Duration) -> R) -> R {
        let now = self.places.now();
        act(
            &mut self.pace.lock().unwrap_or_else(PoisonError::into_inner),
            now,
        )
    }

    /// Notes what its buffers hold. False when strangers hold too much already, and nobody else
    /// makes way.
    pub(super) fn hold(&self, change: impl FnOnce(&mut Held)) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut held);
        let after = held.total();
        let before = self.bytes.swap(after, Ordering::AcqRel);
        self.places.ledger.change(before, after, self.is_evicted());
        drop(held);
        after <= before || self.places.has_room()
    }

    /// How much of a head may be read now.
    pub(super) fn head_left(&self) -> usize {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.head_left()
    }

    /// Whether nobody knows yet whose the connection is, or over a proxy's the request.
    pub(super) fn is_of_stranger(&self) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.is_of_stranger()
    }

    pub(super) fn least_rate(&self) -> u32 {
        self.places.limits.least_rate
    }

    /// Completes when the other side has kept us waiting for too long.
    pub(super) async fn overdue(&self) {
        let limits = &self.places.limits;
        loop {
            let is_known = self.address.is_none() || self.kind() != Kind::Stranger;
            let left = self.pace(|pace, now| {
                let due = pace.due(limits, is_known);
                due.map(|due| due.saturating_sub(now))
            });
            match left {
                Some(Duration::ZERO) => return,
                // What begins meanwhile is not over before this.
                left => sleep(left.unwrap_or(Duration::MAX).min(limits.shortest())).await,
            }
        }
    }

    pub(super) fn makes_way(&self, now: Duration, grace: Duration) -> bool {
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let since = pace.waiting_since();
        since.is_some_and(|since| since + grace <= now)
    }

    /// What tells who goes first when there are too many bytes: who has kept us waiting longest
    /// with the most. None is for who need not go.
    pub(super) fn weight(&self, now: Duration, grace: Duration) -> Option<u128> {
        let pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = now.saturating_sub(pace.waiting_since()?);
        drop(pace);
        let bytes = self.bytes.load(Ordering::Acquire);
        let weight = u128::try_from(bytes).ok()? * (waited.as_millis() + 1);
        (waited >= grace && bytes > 0).then_some(weight)
    }

    pub(super) fn evict(&self) {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.evicted.swap(true, Ordering::AcqRel) {
            let bytes = self.bytes.load(Ordering::Acquire);
            self.places.ledger.leaves(bytes);
        }
        drop(held);
        self.waker.wake();
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire)
    }

    /// Wakes the task when the connection has to go; those of people and runners who are known
    /// never have to.
    pub(super) fn watch(&self, waker: &Waker) {
        if self.kind() == Kind::Stranger {
            self.waker.register(waker);
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.kind.load(Ordering::Acquire) {
            0 => Kind::Stranger,
            1 => Kind::Caller,
            2 => Kind::Runner,
            _ => Kind::Gone,
        }
    }

    pub(super) fn becomes(&self, kind: Kind) {
        self.kind.store(kind as u8, Ordering::Release);
    }
}

impl std::fmt::Debug for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standing")
            .field("id", &self.id)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}
