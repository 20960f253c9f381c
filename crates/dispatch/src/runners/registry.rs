//! Which runner is connected, and how much it has to do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reoclo_domain::{OperationId, ServerId, Timestamp};
use reoclo_wire::handshake::Machine;
use reoclo_wire::proto::ForgetRequest;
use tokio::sync::watch;
use tokio::time::timeout;

use super::capacity::{Admission, Capacity, Slot, Waiting};
use super::machines::Machines;
use super::{Detached, Link};
use crate::error::Error;

/// Outcomes that a runner was not told to forget are remembered up to this many.
const MAX_UNFORGOTTEN: usize = 10_000;

/// A seat for every server that was connected or waited for.
pub(crate) struct Seats {
    by_server: Mutex<HashMap<ServerId, Seat>>,
    next_number: AtomicU64,
    running: Arc<AtomicUsize>,
    limits: Limits,
}

/// How much a server is given to do.
#[derive(Clone, Copy)]
struct Limits {
    running: usize,
    queued: usize,
}

struct Seat {
    link: watch::Sender<Option<Arc<Link>>>,
    capacity: Capacity,
    unforgotten: Vec<OperationId>,
    machines: Machines,
}

/// What becomes of a connection that wants a server's seat.
pub(super) enum Seated {
    /// It has it.
    Yes {
        /// The connection that it displaces.
        displaced: Option<Arc<Link>>,
        /// Whether what is kept of the server's machines has changed.
        is_news: bool,
    },
    /// Another machine has it.
    Taken(Arc<Link>),
    /// It is kept for another machine.
    Kept,
    /// A person decided against this machine.
    Barred,
    /// A connection that was made later has it.
    Late,
}

impl Seat {
    fn refusal(&self, machine: &Machine, now: Timestamp) -> Option<Seated> {
        if self.machines.is_barred(machine) {
            return Some(Seated::Barred);
        }
        if self.machines.is_kept_from(machine, now) {
            return Some(Seated::Kept);
        }
        let link = self.link.borrow().clone();
        link.filter(|link| link.machine().is_another_than(machine))
            .map(Seated::Taken)
    }
}

impl Seats {
    /// For servers that run `running` operations at a time and let `queued` more wait.
    pub(crate) fn new(running: usize, queued: usize) -> Self {
        Self {
            by_server: Mutex::default(),
            next_number: AtomicU64::default(),
            running: Arc::default(),
            limits: Limits { running, queued },
        }
    }

    /// The connected runner of a server, and a place there for one operation more.
    pub(crate) fn take_place(&self, server: ServerId) -> Result<(Arc<Link>, Admission), Error> {
        let mut seats = self.seats();
        let seat = self.seat(&mut seats, server);
        let link = seat.link.borrow().clone().ok_or(Error::ServerUnreachable)?;
        let admission = seat.capacity.take(self.limits.queued, &self.running);
        let admission = admission.ok_or(Error::ServerBusy {
            limit: self.limits.running,
            queued: self.limits.queued,
        })?;
        Ok((link, admission))
    }

    /// A place at the end of a server's queue for an operation that was accepted before.
    pub(crate) fn queue_up(&self, server: ServerId) -> Waiting {
        let mut seats = self.seats();
        self.seat(&mut seats, server)
            .capacity
            .queue_up(&self.running)
    }

    /// The connected runner of a server.
    pub(crate) fn link(&self, server: ServerId) -> Option<Arc<Link>> {
        self.seats().get(&server)?.link.borrow().clone()
    }

    /// Counts an operation that is running already, also beyond the limit.
    pub(crate) fn count_running(&self, server: ServerId) -> Slot {
        let mut seats = self.seats();
        self.seat(&mut seats, server).capacity.count(&self.running)
    }

    fn seat<'s>(&self, seats: &'s mut HashMap<ServerId, Seat>, server: ServerId) -> &'s mut Seat {
        seats.entry(server).or_insert_with(|| Seat {
            link: watch::Sender::default(),
            capacity: Capacity::new(self.limits.running),
            unforgotten: Vec::new(),
            machines: Machines::default(),
        })
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
        let mut seat = {
            let mut seats = self.seats();
            self.seat(&mut seats, server).link.subscribe()
        };
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

    /// Seats a connection, unless another machine has the seat, or a connection that was made
    /// later: what a network held back of one that its runner has given up may arrive behind the
    /// next one.
    pub(super) fn sit(&self, server: ServerId, link: &Arc<Link>, now: Timestamp) -> Seated {
        let mut seats = self.seats();
        let seat = self.seat(&mut seats, server);
        if let Some(refused) = seat.refusal(link.machine(), now) {
            return refused;
        }
        let seated = seat.link.borrow().as_ref().map(|seated| seated.number());
        if seated.is_some_and(|seated| seated > link.number()) {
            return Seated::Late;
        }
        let is_news = seat.machines.seated(link.machine());
        Seated::Yes {
            displaced: seat.link.send_replace(Some(Arc::clone(link))),
            is_news,
        }
    }

    /// Whether a machine would get the seat now; the seat stays as it is.
    pub(super) fn refusal(
        &self,
        server: ServerId,
        machine: &Machine,
        now: Timestamp,
    ) -> Option<Seated> {
        self.seats().get(&server)?.refusal(machine, now)
    }

    /// Looks at, or changes, what is known of a server's machines.
    pub(super) fn with_machines<R>(
        &self,
        server: ServerId,
        act: impl FnOnce(&mut Machines, Option<&Arc<Link>>) -> R,
    ) -> R {
        let mut seats = self.seats();
        let seat = self.seat(&mut seats, server);
        let link = seat.link.borrow().clone();
        act(&mut seat.machines, link.as_ref())
    }

    /// What an earlier process knew of a server's machines.
    pub(super) fn remember(&self, server: ServerId, machines: Machines) {
        let mut seats = self.seats();
        self.seat(&mut seats, server).machines = machines;
    }

    /// Gives the seat up, unless another connection has taken it.
    pub(super) fn leave(&self, server: ServerId, number: u64, now: Timestamp) -> bool {
        let mut seats = self.seats();
        let seat = self.seat(&mut seats, server);
        let is_left = seat.link.send_if_modified(|link| {
            let mine = link.as_ref().is_some_and(|link| link.number() == number);
            if mine {
                *link = None;
            }
            mine
        });
        if is_left {
            seat.machines.lost(now);
        }
        is_left
    }

    /// Tells the runner that an outcome is stored, now or when it is connected again.
    pub(crate) async fn forget(&self, server: ServerId, operation: OperationId) {
        let link = {
            let mut seats = self.seats();
            let seat = self.seat(&mut seats, server);
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
        let operations = {
            let mut seats = self.seats();
            std::mem::take(&mut self.seat(&mut seats, server).unforgotten)
        };
        if operations.is_empty() {
            return;
        }
        let operation_ids = operations.iter().map(ToString::to_string).collect();
        if link
            .calls()
            .forget(ForgetRequest { operation_ids })
            .await
            .is_err()
        {
            let mut seats = self.seats();
            self.seat(&mut seats, server).unforgotten.extend(operations);
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
        self.by_server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
