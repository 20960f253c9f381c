//! The connections that read. None waits for ever: not for a connection, and not for an answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reoclo_domain::Clock;
use sqlx::{AnyConnection, Connection, Executor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::database::DatabaseAddress;
use crate::engine::{self, Engine, Purpose};
use crate::error::{FaultCause, StoreError};
use crate::fault::fault;
use crate::health::Health;
use crate::sql::{Record, Source, Statement};

/// The longest wait for a connection that others use.
const ACQUIRE_LIMIT: Duration = Duration::from_secs(10);
/// How long a first try waits for each answer of a database that is there; the connection may be
/// one that leads nowhere.
const FIRST_LIMIT: Duration = Duration::from_secs(5);
/// How long the second try waits, on a new connection.
const SECOND_LIMIT: Duration = Duration::from_secs(25);
/// A connection that rested this long is tried out before it is used, and answers by then.
const TRUSTED_REST: Duration = Duration::from_secs(1);
const TEST_LIMIT: Duration = Duration::from_millis(1500);
/// How long a new connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long closing may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The connections that read; they are opened when they are needed.
pub(crate) struct Readers {
    address: DatabaseAddress,
    engine: Engine,
    health: Arc<Health>,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

/// A connection that rests.
struct Idle {
    connection: AnyConnection,
    generation: u64,
    since: Duration,
}

/// A connection that is lent out. What is asked on it has a limit, and is asked once more on a new
/// one when the first was lost.
pub(crate) struct Reader {
    readers: Arc<Readers>,
    /// `None` while a statement is under way, so that a connection on which somebody stopped
    /// waiting is not used again.
    connection: Option<AnyConnection>,
    generation: u64,
    is_new: bool,
    /// In a transaction, of which a lost connection loses all.
    in_snapshot: bool,
    _place: OwnedSemaphorePermit,
}

impl Readers {
    pub(crate) fn new(
        address: DatabaseAddress,
        health: Arc<Health>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let engine = Engine::of(&address);
        Arc::new(Self {
            address,
            engine,
            health,
            clock,
            places: Arc::new(Semaphore::new(engine.readers())),
            idle: Mutex::default(),
        })
    }

    /// A connection, as soon as there is one.
    pub(crate) async fn lend(self: &Arc<Self>) -> Result<Reader, StoreError> {
        self.health.refuse_while_away()?;
        let place = self.place().await?;
        let (connection, generation, is_new) = if let Some(idle) = self.rested().await {
            (idle.connection, idle.generation, false)
        } else {
            let (connection, generation) = self.connect().await?;
            (connection, generation, true)
        };
        Ok(Reader {
            readers: Arc::clone(self),
            connection: Some(connection),
            generation,
            is_new,
            in_snapshot: false,
            _place: place,
        })
    }

    /// Lends nothing any more, waits a little for what is lent, and closes the rest.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(self.engine.readers()).unwrap_or(u32::MAX);
        let returned = timeout(CLOSE_LIMIT, self.places.acquire_many(all)).await;
        self.places.close();
        drop(returned);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        let closing = async {
            for idle in idle {
                let _ = idle.connection.close().await;
            }
        };
        let _ = timeout(CLOSE_LIMIT, closing).await;
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let places = Arc::clone(&self.places);
        let place = async {
            match timeout(ACQUIRE_LIMIT, places.acquire_owned()).await {
                Ok(Ok(place)) => Ok(place),
                Ok(Err(_)) => Err(StoreError::unavailable(FaultCause::Closed)),
                Err(_) => Err(StoreError::unavailable(FaultCause::Busy)),
            }
        };
        self.health.patiently(2 * ACQUIRE_LIMIT, place).await
    }

    /// A connection that rested and can be used.
    async fn rested(&self) -> Option<Idle> {
        while let Some(mut idle) = self.pop() {
            let is_current = idle.generation == self.health.generation();
            if is_current && self.is_trusted(&mut idle).await {
                return Some(idle);
            }
            if is_current {
                // The others are no better, and to try each would take its time.
                self.health.retire();
            }
            discard(idle.connection);
        }
        None
    }

    fn pop(&self) -> Option<Idle> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop()
    }

    async fn is_trusted(&self, idle: &mut Idle) -> bool {
        let rested = self.clock.monotonic().saturating_sub(idle.since);
        if self.engine == Engine::Sqlite || rested < TRUSTED_REST {
            return true;
        }
        let test = timeout(TEST_LIMIT, idle.connection.ping());
        matches!(test.await, Ok(Ok(())))
    }

    async fn connect(&self) -> Result<(AnyConnection, u64), StoreError> {
        let generation = self.health.generation();
        let connecting = engine::connect(&self.address, Purpose::Read);
        let connected = timeout(CONNECT_LIMIT, connecting).await;
        let connection = connected
            .unwrap_or(Err(FaultCause::Timeout))
            .map_err(|cause| {
                let error = StoreError::unavailable(cause);
                self.health.heard_nobody(&error);
                error
            })?;
        Ok((connection, generation))
    }
}

impl Reader {
    /// Begins a transaction in which every read sees the same state; [`Self::end_snapshot`] ends
    /// it.
    pub(crate) async fn begin_snapshot(&mut self) -> Result<(), StoreError> {
        self.command(self.readers.engine.snapshot()).await?;
        self.in_snapshot = true;
        Ok(())
    }

    /// Ends the transaction. A reader that is dropped before is not used again.
    pub(crate) async fn end_snapshot(mut self) -> Result<(), StoreError> {
        self.command("ROLLBACK").await?;
        self.in_snapshot = false;
        Ok(())
    }

    /// The connection, and how long its answer may take.
    fn take(&mut self) -> Result<(AnyConnection, Duration), StoreError> {
        let limit = if self.may_try_again() {
            FIRST_LIMIT
        } else {
            SECOND_LIMIT
        };
        let taken = self.connection.take();
        let connection = taken.ok_or_else(|| StoreError::unavailable(FaultCause::Timeout))?;
        Ok((connection, limit))
    }

    fn may_try_again(&self) -> bool {
        !self.is_new && !self.in_snapshot
    }

    /// Puts the connection back, unless it was lost. `None` when there is a new one, to ask once
    /// more.
    async fn settle<T>(
        &mut self,
        connection: AnyConnection,
        answered: Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let health = &self.readers.health;
        let lost = match &answered {
            Err(error @ StoreError::Unavailable(fault)) => {
                health.heard(error);
                fault.is_worth_another_try()
            }
            _ => false,
        };
        if !lost {
            self.connection = Some(connection);
            self.is_new = false;
            return Some(answered);
        }
        discard(connection);
        if !self.may_try_again() || health.refuse_while_away().is_err() {
            return Some(answered);
        }
        match self.readers.connect().await {
            Ok((connection, generation)) => {
                (self.connection, self.generation) = (Some(connection), generation);
                self.is_new = true;
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    async fn command(&mut self, text: &'static str) -> Result<(), StoreError> {
        let health = Arc::clone(&self.readers.health);
        loop {
            let (mut connection, limit) = self.take()?;
            let asked = async {
                let done = connection.execute(text).await;
                done.map(drop).map_err(fault)
            };
            let answered = health.patiently(limit, asked).await;
            if let Some(answered) = self.settle(connection, answered).await {
                return answered;
            }
        }
    }
}

impl Source for Reader {
    async fn optional(&mut self, statement: Statement) -> Result<Option<Record>, StoreError> {
        let health = Arc::clone(&self.readers.health);
        loop {
            let (mut connection, limit) = self.take()?;
            let asked = connection.optional(statement.clone());
            let answered = health.patiently(limit, asked).await;
            if let Some(answered) = self.settle(connection, answered).await {
                return answered;
            }
        }
    }

    async fn all<T: Send>(
        &mut self,
        statement: Statement,
        mut read: impl FnMut(&Record) -> Result<T, StoreError> + Send,
    ) -> Result<Vec<T>, StoreError> {
        let health = Arc::clone(&self.readers.health);
        loop {
            let (mut connection, limit) = self.take()?;
            let asked = connection.all(statement.clone(), &mut read);
            let answered = health.patiently(limit, asked).await;
            if let Some(answered) = self.settle(connection, answered).await {
                return answered;
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if self.in_snapshot {
            return discard(connection);
        }
        let rests = Idle {
            connection,
            generation: self.generation,
            since: self.readers.clock.monotonic(),
        };
        let idle = self.readers.idle.lock();
        idle.unwrap_or_else(PoisonError::into_inner).push(rests);
    }
}

/// Takes leave of a connection without waiting for it.
pub(crate) fn discard(connection: AnyConnection) {
    // Without a runtime the process is about to end.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            let _ = timeout(CLOSE_LIMIT, connection.close()).await;
        });
    }
}
