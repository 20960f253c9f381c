//! One group: one transaction, or one for each write when that fails.

use std::slice;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tokio::time::{sleep, timeout};

use super::job::Job;
use super::{Work, Writer};
use crate::audit::append::{Appended, append, is_there};
use crate::audit::head::Head;
use crate::audit::heads::Heads;
use crate::cache::Effect;
use crate::database::DatabaseAddress;
use crate::engine::{self, Engine, Purpose};
use crate::error::{DatabaseFault, FaultCause, StoreError};
use crate::health::Health;
use crate::master_key::MasterKey;
use crate::place::Place;

/// A database that has not answered by then is taken for lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long, and how far apart, a lost database is tried again to learn how a commit ended.
const DOUBT_LIMIT: Duration = Duration::from_secs(10);
const DOUBT_PAUSE: Duration = Duration::from_millis(250);
/// A connection that rested this long is tried out before it is used, and answers by then.
const TRUSTED_REST: Duration = Duration::from_secs(1);
const TEST_LIMIT: Duration = Duration::from_millis(1500);

/// What a transaction did besides the writes themselves.
struct Written {
    effects: Vec<Effect>,
    appended: Appended,
}

/// How a transaction failed.
enum Failure {
    /// It was undone, and the connection can be used again.
    Undone(StoreError),
    /// Nothing was committed, and the connection is of no more use.
    Broken(StoreError),
    /// The commit itself failed, so it may have been made.
    InDoubt(DatabaseFault, Written),
}

impl Writer {
    /// Commits the jobs and answers them.
    pub(super) async fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let committed = self.attempt(&mut jobs).await;
        match &committed {
            Err(error) if is_worth_retrying(error, jobs.len()) => self.commit_apart(jobs).await,
            _ => answer(jobs, &committed),
        }
    }

    /// Commits every job in a transaction of its own.
    async fn commit_apart(&mut self, jobs: Vec<Box<dyn Job>>) {
        self.counters.retried_groups.fetch_add(1, Ordering::Relaxed);
        let mut jobs = jobs.into_iter();
        while let Some(mut job) = jobs.next() {
            if let Err(down) = self.reconnect().await {
                // Nobody is there: the others need not find that out one by one.
                job.answer(Err(down.clone()));
                return answer(jobs, &Err(down));
            }
            let committed = self.attempt(slice::from_mut(&mut job)).await;
            job.answer(committed);
        }
    }

    /// Commits the jobs in one transaction, or none of them. One that failed where the heads in
    /// memory were relied on is tried again with those of the database.
    async fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let relies_on_heads = !self.heads.is_empty();
        match self.attempt_once(jobs).await {
            Err(StoreError::Unavailable(_)) if relies_on_heads => self.attempt_once(jobs).await,
            attempted => attempted,
        }
    }

    async fn attempt_once(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        if self.has_rested() {
            self.look_after_connection().await;
        }
        let mut connection = self.connected().await?;
        let engine = Engine::of(&self.address);
        let is_alone = engine == Engine::Sqlite || self.place.is_alone();
        let transaction = Transaction {
            work: Work::begin(engine, &mut connection, jobs.len(), is_alone),
            heads: &mut self.heads,
            key: &self.master_key,
            health: &self.health,
        };
        let failure = match transaction.make(jobs).await {
            Ok(written) => {
                self.connection = Some(connection);
                self.used_at = self.health.now();
                self.committed(written, jobs.len());
                return Ok(());
            }
            Err(failure) => failure,
        };
        self.heads.forget();
        self.hear(&failure);
        match failure {
            Failure::Undone(error) => {
                self.connection = Some(connection);
                Err(error)
            }
            Failure::Broken(error) => {
                discard(connection).await;
                Err(error)
            }
            Failure::InDoubt(fault, written) => {
                discard(connection).await;
                self.resolve(fault, written, jobs.len()).await
            }
        }
    }

    fn hear(&self, failure: &Failure) {
        match failure {
            Failure::Undone(error) | Failure::Broken(error) => self.health.heard(error),
            Failure::InDoubt(fault, _) => self.health.heard(&fault.clone().into()),
        }
    }

    fn has_rested(&self) -> bool {
        let rested = self.health.now().saturating_sub(self.used_at);
        self.connection.is_some() && rested > TRUSTED_REST
    }

    /// Sees that the connection leads somewhere while nothing is written: a session that has
    /// ended is noticed before somebody waits for it.
    pub(super) async fn look_after_connection(&mut self) {
        if Engine::of(&self.address) == Engine::Sqlite {
            return;
        }
        let Some(mut connection) = self.connection.take() else {
            // An error is told by the state of health.
            return drop(self.reconnect().await);
        };
        if let Ok(Ok(())) = timeout(TEST_LIMIT, connection.ping()).await {
            self.connection = Some(connection);
            self.used_at = self.health.now();
        } else {
            discard(connection).await;
            drop(self.reconnect().await);
        }
    }

    fn committed(&self, written: Written, writes: usize) {
        if let Some(cache) = &self.cache {
            cache.apply(written.effects);
        }
        self.counters.committed(writes, written.appended.rows);
    }

    /// Finds out how a commit ended, by looking for the last row of the audit log that it wrote.
    /// Without such a row the writes are of a kind that may be made twice.
    async fn resolve(
        &mut self,
        fault: DatabaseFault,
        written: Written,
        writes: usize,
    ) -> Result<(), StoreError> {
        let Some(last) = &written.appended.last else {
            return Err(StoreError::Unavailable(fault));
        };
        let found = timeout(DOUBT_LIMIT, self.look_until_found(last)).await;
        match found {
            Ok(true) => {
                self.committed(written, writes);
                Ok(())
            }
            Ok(false) => Err(StoreError::Unavailable(fault)),
            Err(_) => Err(StoreError::Uncertain(fault)),
        }
    }

    async fn look_until_found(&mut self, last: &Head) -> bool {
        loop {
            match self.look_for(last).await {
                Ok(found) => return found,
                Err(_) => sleep(DOUBT_PAUSE).await,
            }
        }
    }

    async fn look_for(&mut self, last: &Head) -> Result<bool, StoreError> {
        let mut connection = self.connected().await?;
        let found = is_there(&mut connection, last, &self.master_key);
        let found = self.health.patiently(ANSWER_TIMEOUT, found).await;
        if found.is_ok() {
            self.connection = Some(connection);
        }
        found
    }

    async fn reconnect(&mut self) -> Result<(), StoreError> {
        self.connection = Some(self.connected().await?);
        Ok(())
    }

    /// Takes the connection, opening one when there is none.
    async fn connected(&mut self) -> Result<AnyConnection, StoreError> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        self.health.refuse_while_away()?;
        if self.place.is_displaced() {
            return Err(StoreError::unavailable(FaultCause::Displaced));
        }
        let connected = connect(&self.address, &self.place, &self.health).await;
        connected.inspect_err(|error| self.health.heard_nobody(error))
    }
}

/// A connection that may write: to a server that takes writes, and with this process's place.
async fn connect(
    address: &DatabaseAddress,
    place: &Place,
    health: &Arc<Health>,
) -> Result<AnyConnection, StoreError> {
    let connected = engine::connect(address, Purpose::Write).await;
    let mut connection = connected.map_err(StoreError::unavailable)?;
    let holding = place.hold_again(&mut connection);
    health.patiently(ANSWER_TIMEOUT, holding).await?;
    Ok(connection)
}

/// One try to make a group's transaction.
struct Transaction<'a> {
    work: Work<'a>,
    heads: &'a mut Heads,
    key: &'a MasterKey,
    health: &'a Arc<Health>,
}

impl Transaction<'_> {
    async fn make(mut self, jobs: &mut [Box<dyn Job>]) -> Result<Written, Failure> {
        let health = Arc::clone(self.health);
        let written = match health.patiently(ANSWER_TIMEOUT, self.write(jobs)).await {
            Ok(written) => written,
            Err(error) if is_lost(&error) => return Err(Failure::Broken(error)),
            Err(error) => {
                return Err(match self.roll_back().await {
                    Ok(()) => Failure::Undone(error),
                    Err(_) => Failure::Broken(error),
                });
            }
        };
        let committed = health.patiently(ANSWER_TIMEOUT, self.work.commit());
        let Err(error) = committed.await else {
            return Ok(written);
        };
        // Some of what was sent last may have failed before the commit: then it can be undone.
        let undone = if is_lost(&error) {
            Err(())
        } else {
            self.roll_back().await.map_err(drop)
        };
        Err(match (undone, error) {
            (Ok(()), error) => Failure::Undone(error),
            (Err(()), StoreError::Unavailable(fault)) => Failure::InDoubt(fault, written),
            (Err(()), error) => Failure::Broken(error),
        })
    }

    async fn roll_back(self) -> Result<(), StoreError> {
        let health = Arc::clone(self.health);
        health
            .patiently(ANSWER_TIMEOUT, self.work.roll_back())
            .await
    }

    async fn write(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Written, StoreError> {
        for job in jobs {
            job.apply(&mut self.work).await?;
        }
        let events = self.work.take_events();
        let appended = append(&mut self.work, &events, self.key, self.heads).await?;
        let effects = self.work.take_effects();
        Ok(Written { effects, appended })
    }
}

/// A lone write that was refused would be refused again; one that met a lost connection would
/// not. What may have been made must not be made again.
fn is_worth_retrying(error: &StoreError, jobs: usize) -> bool {
    match error {
        StoreError::Uncertain(_) => false,
        StoreError::Unavailable(_) => true,
        _ => jobs > 1,
    }
}

fn answer(jobs: impl IntoIterator<Item = Box<dyn Job>>, committed: &Result<(), StoreError>) {
    for job in jobs {
        job.answer(committed.clone());
    }
}

/// Closing makes SQLite let go of the lock before the next connection asks for it.
async fn discard(connection: AnyConnection) {
    let _ = timeout(Duration::from_secs(1), connection.close()).await;
}

/// Whether the connection is of no more use: one that leads nowhere, or to a server that takes no
/// writes any more.
fn is_lost(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(fault) => fault.is_lost_connection() || fault.is_read_only(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
