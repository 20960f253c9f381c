//! Whether the database answers: found out once for all who wait, and said once an outage.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use reoclo_domain::Clock;
use sqlx::Connection;
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use crate::database::DatabaseAddress;
use crate::engine::{self, Engine, Purpose};
use crate::error::{FaultCause, StoreError};

/// After so long without an answer it is asked whether the database is there at all.
const PATIENCE: Duration = Duration::from_secs(2);
/// A database that is asked whether it is there answers by then.
const PROBE_LIMIT: Duration = Duration::from_millis(2500);
/// How far apart a database that is away is tried again.
const AWAY_PAUSE: Duration = Duration::from_millis(500);

/// What is known of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It answers.
    Well,
    /// It answers and takes no writes.
    ReadOnly,
    /// Nobody answers.
    Away,
}

/// What everybody who uses the database knows of it.
pub(crate) struct Health {
    address: DatabaseAddress,
    engine: Engine,
    clock: Arc<dyn Clock>,
    state: watch::Sender<State>,
    /// Whether the log tells of this outage that nothing can be written.
    told_of_read_only: AtomicBool,
    /// Connections that are older than the last one that was lost are not used again.
    generation: AtomicU64,
    /// Whoever holds it asks for all.
    asking: Mutex<()>,
    /// How often it was asked.
    asked: AtomicU64,
}

impl Health {
    pub(crate) fn new(address: DatabaseAddress, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            engine: Engine::of(&address),
            address,
            clock,
            state: watch::Sender::new(State::Well),
            told_of_read_only: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            asking: Mutex::new(()),
            asked: AtomicU64::new(0),
        })
    }

    /// The time since some moment.
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    /// The generation of a connection that is made now.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Fails at once while nobody answers, so that nobody waits for what others wait for already.
    pub(crate) fn refuse_while_away(&self) -> Result<(), StoreError> {
        match self.state() {
            State::Away => Err(StoreError::unavailable(FaultCause::Away)),
            State::Well | State::ReadOnly => Ok(()),
        }
    }

    /// Waits until nobody answers.
    pub(crate) async fn away(&self) {
        let mut state = self.state.subscribe();
        if state.wait_for(|state| *state == State::Away).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for an answer, as long as the database is there and at most for `limit`.
    pub(crate) async fn patiently<T>(
        self: &Arc<Self>,
        limit: Duration,
        answer: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let watched = async {
            let mut answer = pin!(answer);
            loop {
                tokio::select! {
                    biased;
                    answered = &mut answer => return answered,
                    () = self.away() => break,
                    () = sleep(PATIENCE) => {}
                }
                tokio::select! {
                    biased;
                    answered = &mut answer => return answered,
                    there = self.is_there() => if !there { break },
                }
            }
            Err(StoreError::unavailable(FaultCause::Away))
        };
        let answered = timeout(limit, watched).await;
        answered.unwrap_or_else(|_| Err(StoreError::unavailable(FaultCause::Timeout)))
    }

    /// Hears of every error, and sees what it means for the others.
    pub(crate) fn heard(self: &Arc<Self>, error: &StoreError) {
        let StoreError::Unavailable(fault) = error else {
            return;
        };
        if fault.is_read_only() {
            self.retire();
            self.become_unwell(State::ReadOnly, error);
        } else if fault.is_lost_connection() {
            self.retire();
        }
    }

    /// Hears that a new connection could not be had.
    pub(crate) fn heard_nobody(self: &Arc<Self>, error: &StoreError) {
        self.heard(error);
        let is_nobody = matches!(error, StoreError::Unavailable(fault) if fault.is_nobody());
        if is_nobody && self.state() == State::Well {
            self.become_unwell(State::Away, error);
        }
    }

    /// Nobody uses the connections any longer that are there now.
    pub(crate) fn retire(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Asks on a connection of its own; whoever asks at the same time gets the same answer.
    async fn is_there(self: &Arc<Self>) -> bool {
        if self.engine == Engine::Sqlite {
            return true;
        }
        let before = self.asked.load(Ordering::Acquire);
        let _asking = self.asking.lock().await;
        if self.asked.load(Ordering::Acquire) == before {
            let answer = self.ask(Purpose::Read).await;
            self.asked.fetch_add(1, Ordering::AcqRel);
            if let Err(error) = answer {
                self.retire();
                self.become_unwell(State::Away, &error);
            }
        }
        self.state() != State::Away
    }

    async fn ask(&self, purpose: Purpose) -> Result<(), StoreError> {
        let asked = timeout(PROBE_LIMIT, engine::connect(&self.address, purpose)).await;
        let connection = asked.unwrap_or(Err(FaultCause::Timeout));
        let connection = connection.map_err(StoreError::unavailable)?;
        let _ = timeout(Duration::from_secs(1), connection.close()).await;
        Ok(())
    }

    /// Says so, once, and watches for the end of it.
    fn become_unwell(self: &Arc<Self>, unwell: State, error: &StoreError) {
        if self.engine == Engine::Sqlite {
            return;
        }
        let was = self.state.send_replace(unwell);
        if unwell == State::ReadOnly {
            self.tell_of_read_only(error);
        }
        if was != State::Well {
            return;
        }
        if unwell == State::Away {
            let cause = error.causes();
            tracing::warn!(
                cause,
                "the database does not answer: requests that need it get 503 until it does"
            );
        }
        let since = self.clock.monotonic();
        tokio::spawn(watch_for_the_end(Arc::downgrade(self), since));
    }

    /// Says so once an outage, also of one that began in another way: a server that was away is
    /// often a standby when it is back.
    fn tell_of_read_only(&self, error: &StoreError) {
        if !self.told_of_read_only.swap(true, Ordering::AcqRel) {
            let cause = error.causes();
            tracing::warn!(
                cause,
                "the database takes no writes: requests that need it get 503 until it does"
            );
        }
    }
}

async fn watch_for_the_end(health: Weak<Health>, since: Duration) {
    loop {
        sleep(AWAY_PAUSE).await;
        // The store may have been closed.
        let Some(health) = health.upgrade() else {
            return;
        };
        let state = match health.ask(Purpose::Probe).await {
            Ok(()) => State::Well,
            Err(error) if is_read_only(&error) => {
                health.tell_of_read_only(&error);
                State::ReadOnly
            }
            Err(_) => State::Away,
        };
        if state == State::Well {
            health.told_of_read_only.store(false, Ordering::Release);
        }
        health.state.send_replace(state);
        if state == State::Well {
            let seconds = health.clock.monotonic().saturating_sub(since).as_secs();
            tracing::info!(seconds, "the database is there again");
            return;
        }
    }
}

fn is_read_only(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(fault) if fault.is_read_only())
}
