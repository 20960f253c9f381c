//! Who waits to have a password hashed.
//!
//! A hash takes 19 MiB and some 20 ms of a core, and strangers may ask for one. So few are made at
//! a time, few wait, and whoever comes then is told at once to come back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use reoclo_store::RequestSource;
use tokio::sync::Semaphore;

use crate::Refusal;
use crate::failed_authentications::subscriber;

/// Hashes at a time, unless half of the cores are fewer: the others are for everybody else.
const MOST_WORKERS: usize = 2;
/// Those that are made or wait. At the pace of one slow core the last waits about two seconds.
const MOST: usize = 64;
/// Of them, how many nobody has vouched for yet.
const MOST_OF_STRANGERS: usize = 48;
/// Of them, how many come from one address; offices share one.
const MOST_OF_ADDRESS: usize = 16;

/// For whom a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// Whoever sent the request.
    Stranger(Option<IpAddr>),
    /// Somebody who has authenticated, or the owner of this machine.
    Known,
}

impl Asker {
    /// Whoever sent the request that came from there.
    pub(crate) const fn from(source: &RequestSource) -> Self {
        Self::Stranger(source.ip)
    }
}

/// The line and its workers.
#[derive(Debug)]
pub(crate) struct PasswordHashing {
    workers: Arc<Semaphore>,
    line: Arc<Mutex<Line>>,
}

#[derive(Debug, Default)]
struct Line {
    all: usize,
    strangers: usize,
    by_address: HashMap<Option<IpAddr>, usize>,
}

/// A place in the line; it is free again when this is dropped.
#[derive(Debug)]
struct Place {
    line: Arc<Mutex<Line>>,
    asker: Asker,
}

impl Default for PasswordHashing {
    fn default() -> Self {
        Self {
            workers: Arc::new(Semaphore::new(workers())),
            line: Arc::default(),
        }
    }
}

fn workers() -> usize {
    let cores = std::thread::available_parallelism();
    cores.map_or(1, |cores| (cores.get() / 2).clamp(1, MOST_WORKERS))
}

impl PasswordHashing {
    /// Does the work when its turn has come.
    ///
    /// Place and worker belong to the work and not to whoever waits for it: a caller who hangs up
    /// does not end a hash that has begun, so it must not make room for another one either.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Place::take(&self.line, asker).ok_or(Refusal::Busy)?;
        let worker = Arc::clone(&self.workers).acquire_owned().await;
        let worker = worker.map_err(Refusal::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((worker, place));
            done
        });
        done.await.map_err(Refusal::internal)
    }
}

impl Place {
    fn take(line: &Arc<Mutex<Line>>, asker: Asker) -> Option<Self> {
        let asker = match asker {
            Asker::Stranger(address) => Asker::Stranger(address.map(subscriber)),
            Asker::Known => Asker::Known,
        };
        line.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .enter(asker)
            .then(|| Self {
                line: Arc::clone(line),
                asker,
            })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.leave(self.asker);
    }
}

impl Line {
    fn enter(&mut self, asker: Asker) -> bool {
        if self.all >= MOST {
            return false;
        }
        if let Asker::Stranger(address) = asker {
            let here = self.by_address.get(&address).copied().unwrap_or_default();
            if self.strangers >= MOST_OF_STRANGERS || here >= MOST_OF_ADDRESS {
                return false;
            }
            self.strangers += 1;
            self.by_address.insert(address, here + 1);
        }
        self.all += 1;
        true
    }

    fn leave(&mut self, asker: Asker) {
        self.all -= 1;
        if let Asker::Stranger(address) = asker {
            self.strangers -= 1;
            if let Some(here) = self.by_address.get_mut(&address) {
                *here -= 1;
                if *here == 0 {
                    self.by_address.remove(&address);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn from(address: &str) -> Asker {
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

    #[tokio::test]
    async fn a_caller_who_hangs_up_frees_neither_worker_nor_place_while_the_work_goes_on() {
        let hashing = PasswordHashing::default();
        let (begun, begins) = mpsc::channel();
        let mut ends = Vec::new();
        for _ in 0..workers() {
            let (end, ended) = mpsc::channel::<()>();
            ends.push(end);
            let begun = begun.clone();
            let mut asked = Box::pin(hashing.run(from("192.0.2.1"), move || {
                begun.send(()).unwrap();
                ended.recv().unwrap();
            }));
            // Polled until the work has begun, and dropped then.
            poll_once(asked.as_mut()).await;
            begins.recv_timeout(LONG).unwrap();
        }
        assert_eq!(hashing.workers.available_permits(), 0);
        assert_eq!(hashing.line.lock().unwrap().all, workers());
        let mut next = Box::pin(hashing.run(Asker::Known, || 7));
        poll_once(next.as_mut()).await;
        for end in ends {
            end.send(()).unwrap();
        }
        assert_eq!(next.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_in_the_line_leaves_it() {
        let hashing = PasswordHashing::default();
        let many = u32::try_from(workers()).unwrap();
        let all = Arc::clone(&hashing.workers).acquire_many_owned(many).await;
        let mut asked = Box::pin(hashing.run(from("192.0.2.1"), || ()));
        poll_once(asked.as_mut()).await;
        assert_eq!(hashing.line.lock().unwrap().all, 1);
        drop(asked);
        assert_eq!(hashing.line.lock().unwrap().all, 0);
        assert!(hashing.line.lock().unwrap().by_address.is_empty());
        drop(all);
    }

    #[test]
    fn neither_an_address_nor_all_strangers_take_every_place() {
        let line = Arc::default();
        let mut held = Vec::new();
        let mut fill = |asker| {
            while let Some(place) = Place::take(&line, asker) {
                held.push(place);
            }
            held.len()
        };
        assert_eq!(fill(from("192.0.2.1")), MOST_OF_ADDRESS);
        assert_eq!(fill(from("2001:db8::1")), 2 * MOST_OF_ADDRESS);
        assert_eq!(fill(from("2001:db8::2")), 2 * MOST_OF_ADDRESS);
        assert_eq!(fill(from("192.0.2.2")), MOST_OF_STRANGERS);
        assert_eq!(fill(from("192.0.2.3")), MOST_OF_STRANGERS);
        assert_eq!(fill(Asker::Known), MOST);
        held.clear();
        assert!(Place::take(&line, from("192.0.2.1")).is_some());
    }
}
