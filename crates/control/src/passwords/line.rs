//! Who waits to have a password hashed.
//!
//! A hash takes 19 MiB and some 20 ms of a core, and strangers may ask for one. So few are made at
//! a time, few wait, and whoever comes then is told at once to come back. Whoever is known waits in
//! a room of their own, and goes before.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reoclo_store::RequestSource;
use tokio::sync::oneshot;

use crate::Refusal;
use crate::fair::{FairRoom, Place};

/// Hashes at a time, unless half of the cores are fewer: the others are for everybody else.
const MOST_WORKERS: usize = 2;
/// How many wait of each kind of asker: at the pace of one slow core the last of all waits about
/// two seconds.
const MOST_WAITING: [usize; KINDS] = [16, 16, 32];
/// Of them, how many come from one address; offices share one.
const MOST_OF_ADDRESS: usize = 8;
const KINDS: usize = 3;
const STRANGERS: usize = 2;
/// Of so many turns a stranger has one, however many who are known wait.
const STRANGERS_TURN: u64 = 4;

/// For whom a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Whoever sent the request.
    Stranger(Option<IpAddr>),
    /// Whoever signed in to that account from there before, or shows a link that is open.
    Met(Option<IpAddr>),
    /// Somebody who has authenticated, or the owner of this machine.
    Known,
}

impl Asker {
    /// Whoever shows an open link of ours from there.
    pub(crate) const fn with_link(source: &RequestSource) -> Self {
        Self::Met(source.ip)
    }

    /// The room in which they wait; the first goes before.
    const fn kind(self) -> usize {
        match self {
            Self::Known => 0,
            Self::Met(_) => 1,
            Self::Stranger(_) => STRANGERS,
        }
    }

    const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Stranger(address) | Self::Met(address) => address,
            Self::Known => None,
        }
    }
}

/// The line and its workers.
#[derive(Debug)]
pub(crate) struct PasswordHashing(Arc<Mutex<Line>>);

#[derive(Debug)]
struct Line {
    free: usize,
    turn: u64,
    rooms: [FairRoom<oneshot::Sender<Worker>>; KINDS],
}

/// Leave to make one hash; somebody else has it when this is dropped.
#[derive(Debug)]
struct Worker(Arc<Mutex<Line>>);

/// A place in the line; it is free again when this is dropped.
struct Ticket {
    line: Arc<Mutex<Line>>,
    kind: usize,
    place: Place,
    called: oneshot::Receiver<Worker>,
}

impl Default for PasswordHashing {
    fn default() -> Self {
        Self::with_workers(workers())
    }
}

fn workers() -> usize {
    let cores = std::thread::available_parallelism();
    cores.map_or(1, |cores| (cores.get() / 2).clamp(1, MOST_WORKERS))
}

impl PasswordHashing {
    fn with_workers(free: usize) -> Self {
        let of_address = |kind| match kind {
            0 => MOST_WAITING[kind],
            _ => MOST_OF_ADDRESS,
        };
        let room = |kind| FairRoom::new(MOST_WAITING[kind], of_address(kind));
        Self(Arc::new(Mutex::new(Line {
            free,
            turn: 0,
            rooms: std::array::from_fn(room),
        })))
    }

    /// Does the work when its turn has come.
    ///
    /// The worker belongs to the work and not to whoever waits for it: a caller who hangs up does
    /// not end a hash that has begun, so it must not make room for another one either.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when there is no place, or another one has it now.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let mut ticket = self.enter(asker).ok_or(Refusal::Busy)?;
        let worker = (&mut ticket.called).await;
        let worker = worker.map_err(|_| Refusal::Busy)?;
        drop(ticket);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(worker);
            done
        });
        done.await.map_err(Refusal::internal)
    }

    fn enter(&self, asker: Asker) -> Option<Ticket> {
        let (call, called) = oneshot::channel();
        let kind = asker.kind();
        // Whoever leaves for this one hears it when their end of the channel goes.
        let (place, _) = lock(&self.0).rooms[kind].enter(asker.address(), call)?;
        call_next(&self.0);
        Some(Ticket {
            line: Arc::clone(&self.0),
            kind,
            place,
            called,
        })
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives every free worker to whose turn it is. Nothing is locked meanwhile, since a worker whom
/// nobody takes comes back.
fn call_next(line: &Arc<Mutex<Line>>) {
    loop {
        let next = lock(line).next();
        let Some(call) = next else {
            return;
        };
        drop(call.send(Worker(Arc::clone(line))));
    }
}

impl Line {
    fn next(&mut self) -> Option<oneshot::Sender<Worker>> {
        if self.free == 0 {
            return None;
        }
        let is_strangers_turn = self.turn % STRANGERS_TURN == STRANGERS_TURN - 1;
        let mut order: Vec<usize> = (0..KINDS).collect();
        if is_strangers_turn {
            order.rotate_left(STRANGERS);
        }
        let next = order.into_iter().find_map(|kind| self.rooms[kind].next())?;
        self.turn += 1;
        self.free -= 1;
        Some(next)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        lock(&self.0).free += 1;
        call_next(&self.0);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.line).rooms[self.kind].leave(self.place);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn stranger(address: &str) -> Asker {
        Asker::Stranger(Some(address.parse().unwrap()))
    }

    /// What is polled has no answer yet.
    async fn poll_once<T>(asked: Pin<&mut impl Future<Output = T>>) {
        tokio::select! {
            biased;
            _ = asked => panic!("it is done already"),
            () = std::future::ready(()) => {}
        }
    }

    fn waiting(hashing: &PasswordHashing) -> usize {
        lock(&hashing.0).rooms.iter().map(FairRoom::len).sum()
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_does_not_free_the_worker_while_the_work_goes_on() {
        let hashing = PasswordHashing::with_workers(2);
        let (begun, begins) = mpsc::channel();
        let mut ends = Vec::new();
        for _ in 0..2 {
            let (end, ended) = mpsc::channel::<()>();
            ends.push(end);
            let begun = begun.clone();
            let mut asked = Box::pin(hashing.run(stranger("192.0.2.1"), move || {
                begun.send(()).unwrap();
                ended.recv().unwrap();
            }));
            // Polled until the work has begun, and dropped then.
            poll_once(asked.as_mut()).await;
            begins.recv_timeout(LONG).unwrap();
        }
        assert_eq!(lock(&hashing.0).free, 0);
        let mut next = Box::pin(hashing.run(Asker::Known, || 7));
        poll_once(next.as_mut()).await;
        for end in ends {
            end.send(()).unwrap();
        }
        assert_eq!(next.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_leaves_the_line_and_the_worker_it_was_given() {
        let hashing = PasswordHashing::with_workers(1);
        let held = hashing.enter(Asker::Known).unwrap();
        let mut asked = Box::pin(hashing.run(stranger("192.0.2.1"), || ()));
        poll_once(asked.as_mut()).await;
        assert_eq!(waiting(&hashing), 1);
        drop(asked);
        assert_eq!(waiting(&hashing), 0);
        assert_eq!(lock(&hashing.0).free, 0);
        // It was called, and hangs up before it hears that.
        drop(held);
        assert_eq!(lock(&hashing.0).free, 1);
        assert_eq!(hashing.run(Asker::Known, || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn whoever_is_known_goes_before_strangers_and_strangers_go_on() {
        let hashing = PasswordHashing::with_workers(1);
        let held = hashing.enter(Asker::Known).unwrap();
        let met = Asker::Met(Some("2001:db8::1".parse().unwrap()));
        let mut tickets = Vec::new();
        for number in 0..200 {
            let stranger = stranger(&format!("192.0.{number}.1"));
            for (asker, name) in [(stranger, 's'), (met, 'm'), (Asker::Known, 'k')] {
                tickets.extend(hashing.enter(asker).map(|ticket| (ticket, name)));
            }
        }
        let most = MOST_WAITING[0] + MOST_OF_ADDRESS + MOST_WAITING[STRANGERS];
        assert_eq!(waiting(&hashing), most);
        drop(held);
        let mut order = String::new();
        for _ in 0..most {
            for (ticket, name) in &mut tickets {
                if let Ok(worker) = ticket.called.try_recv() {
                    order.push(*name);
                    drop(worker);
                }
            }
        }
        assert_eq!(order.len(), most);
        let first = order.get(..12).unwrap();
        assert_eq!(first, "kkskkkskkksk", "{order}");
        let last_met = order.rfind('m').unwrap();
        assert!(last_met < 33, "{order}");
    }

    #[tokio::test]
    async fn a_place_that_another_one_has_now_is_answered_at_once() {
        let hashing = PasswordHashing::with_workers(1);
        let _held = hashing.enter(Asker::Known).unwrap();
        let many = MOST_WAITING[STRANGERS];
        let mut storm: Vec<_> = (0..many)
            .map(|number| {
                let from = stranger(&format!("2001:db8:0:{number:x}::1"));
                hashing.enter(from).unwrap()
            })
            .collect();
        assert!(hashing.enter(stranger("2001:db8:0:ffff::1")).is_none());
        let _quiet = hashing.enter(stranger("192.0.2.1")).unwrap();
        assert_eq!(waiting(&hashing), many);
        let answered = storm.iter_mut().filter_map(|one| {
            let closed = oneshot::error::TryRecvError::Closed;
            (one.called.try_recv().unwrap_err() == closed).then_some(())
        });
        assert_eq!(answered.count(), 1);
    }
}
