//! Which runner is connected, and how much it has to do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reoclo_domain::{OperationId, ServerId};
use reoclo_wire::proto::ForgetRequest;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Detached, Link};
use crate::Refusal;

/// Outcomes that a runner was not told to forget are remembered up to this many.
const MAX_UNFORGOTTEN: usize = 10_000;

/// A seat for every server that was connected or waited for.
#[derive(Default)]
pub(crate) struct Runners {
    seats: Mutex<HashMap<ServerId, Seat>>,
    next_number: AtomicU64,
    running: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Seat {
    link: watch::Sender<Option<Arc<Link>>>,
    running: Arc<AtomicUsize>,
    unforgotten: Vec<OperationId>,
}

/// Room for one operation on a server; given back when dropped.
pub(crate) struct Slot([Arc<AtomicUsize>; 2]);

impl Slot {
    fn take(counts: [Arc<AtomicUsize>; 2]) -> Self {
        for count in &counts {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Self(counts)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        for count in &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Runners {
    /// The connected runner of a server, and room there for one operation more.
    pub(crate) fn take_slot(
        &self,
        server: ServerId,
        limit: usize,
    ) -> Result<(Arc<Link>, Slot), Refusal> {
        let mut seats = self.seats();
        let seat = seats.entry(server).or_default();
        let link = seat
            .link
            .borrow()
            .clone()
            .ok_or(Refusal::ServerUnreachable)?;
        if seat.running.load(Ordering::Relaxed) >= limit {
            return Err(Refusal::ServerBusy { limit });
        }
        let counts = [Arc::clone(&seat.running), Arc::clone(&self.running)];
        Ok((link, Slot::take(counts)))
    }

    /// The connected runner of a server.
    pub(crate) fn link(&self, server: ServerId) -> Option<Arc<Link>> {
        self.seats().get(&server)?.link.borrow().clone()
    }

    /// Counts an operation that is running already.
    pub(crate) fn count_running(&self, server: ServerId) -> Slot {
        let running = Arc::clone(&self.seats().entry(server).or_default().running);
        Slot::take([running, Arc::clone(&self.running)])
    }

    /// Waits for a connection other than number `last`, or for `retry_delay` and then for any.
    ///
    /// None only when the process is ending.
    pub(crate) async fn next_link(
        &self,
        server: ServerId,
        last: Option<u64>,
        retry_delay: Duration,
    ) -> Option<Arc<Link>> {
        let mut seat = self.seats().entry(server).or_default().link.subscribe();
        if last.is_some() {
            let other = seat.wait_for(|link| {
                link.as_ref()
                    .is_some_and(|link| Some(link.number()) != last)
            });
            // After the delay the same connection will do: it may have failed just one call.
            let _ = timeout(retry_delay, other).await;
        }
        seat.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Seats a connection and answers the one that it displaces.
    pub(super) fn sit(&self, server: ServerId, link: Arc<Link>) -> Option<Arc<Link>> {
        self.seats()
            .entry(server)
            .or_default()
            .link
            .send_replace(Some(link))
    }

    /// Gives the seat up, unless another connection has taken it.
    pub(super) fn leave(&self, server: ServerId, number: u64) -> bool {
        let mut seats = self.seats();
        let seat = seats.entry(server).or_default();
        seat.link.send_if_modified(|link| {
            let mine = link.as_ref().is_some_and(|link| link.number() == number);
            if mine {
                *link = None;
            }
            mine
        })
    }

    /// Tells the runner that an outcome is stored, now or when it is connected again.
    pub(crate) async fn forget(&self, server: ServerId, operation: OperationId) {
        let link = {
            let mut seats = self.seats();
            let seat = seats.entry(server).or_default();
            if seat.unforgotten.len() < MAX_UNFORGOTTEN {
                seat.unforgotten.push(operation);
            }

            seat.link.borrow().clone()
        };
        if let Some(link) = link {
            self.forget_on(server, &link).await;
        }
    }

    /// Tells a connected runner all that it may forget.
    pub(super) async fn forget_on(&self, server: ServerId, link: &Link) {
        let operations = std::mem::take(&mut self.seats().entry(server).or_default().unforgotten);
        if operations.is_empty() {
            return;
        }
        let operation_ids = operations.iter().map(ToString::to_string).collect();
        if link
            .client()
            .forget(ForgetRequest { operation_ids })
            .await
            .is_err()
        {
            self.seats()
                .entry(server)
                .or_default()
                .unforgotten
                .extend(operations);
        }
    }

    /// Ends the connection of a server that was removed.
    pub(crate) fn dismiss(&self, server: ServerId) {
        if let Some(seat) = self.seats().get(&server)
            && let Some(link) = &*seat.link.borrow()
        {
            link.close(Detached::Decommissioned);
        }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_connected(&self, server: ServerId) -> bool {
        self.seats()
            .get(&server)
            .is_some_and(|seat| seat.link.borrow().is_some())
    }

    pub(crate) fn connected(&self) -> usize {
        self.seats()
            .values()
            .filter(|seat| seat.link.borrow().is_some())
            .count()
    }

    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<ServerId, Seat>> {
        // A seat is whole between any two statements above, so a panic elsewhere spoils nothing.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
