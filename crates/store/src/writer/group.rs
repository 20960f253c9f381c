//! One group: one transaction, or one for each write when that fails.

use std::future::Future;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{Any, AnyConnection, Connection, Transaction};
use tokio::time::{sleep, timeout};

use super::Writer;
use super::job::{Job, Work};
use crate::audit::append::{Appended, append, is_there};
use crate::audit::head::Head;
use crate::cache::Effect;
use crate::engine::{self, Engine, Purpose};
use crate::error::{FaultCause, StoreError};
use crate::master_key::MasterKey;

/// A database that has not answered by then is taken for lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long, and how far apart, a lost database is tried again to learn how a commit ended.
const DOUBT_LIMIT: Duration = Duration::from_secs(10);
const DOUBT_PAUSE: Duration = Duration::from_millis(250);

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
    InDoubt(FaultCause, Written),
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

    /// Commits the jobs in one transaction, or none of them.
    async fn attempt(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let mut connection = self.connected().await?;
        let key = Arc::clone(&self.master_key);
        match transact(Engine::of(&self.address), &key, &mut connection, jobs).await {
            Ok(written) => {
                self.connection = Some(connection);
                self.committed(written, jobs.len());
                Ok(())
            }
            Err(Failure::Undone(error)) => {
                self.connection = Some(connection);
                Err(error)
            }
            Err(Failure::Broken(error)) => {
                discard(connection).await;
                Err(error)
            }
            Err(Failure::InDoubt(cause, written)) => {
                discard(connection).await;
                self.resolve(cause, written, jobs.len()).await
            }
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
        cause: FaultCause,
        written: Written,
        writes: usize,
    ) -> Result<(), StoreError> {
        let Some(last) = &written.appended.last else {
            return Err(unavailable(cause));
        };
        let found = timeout(DOUBT_LIMIT, self.look_until_found(last)).await;
        match found {
            Ok(true) => {
                self.committed(written, writes);
                Ok(())
            }
            Ok(false) => Err(unavailable(cause)),
            Err(_) => Err(StoreError::Uncertain(cause.into())),
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
        let looking = timeout(
            ANSWER_TIMEOUT,
            is_there(&mut connection, last, &self.master_key),
        )
        .await;
        let found = looking.unwrap_or_else(|_| Err(unavailable(FaultCause::Timeout)));
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
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => engine::connect(&self.address, Purpose::Write)
                .await
                .map_err(unavailable),
        }
    }
}

async fn transact(
    engine: Engine,
    key: &MasterKey,
    connection: &mut AnyConnection,
    jobs: &mut [Box<dyn Job>],
) -> Result<Written, Failure> {
    let begun = in_time(engine.begin(connection)).await;
    let mut transaction = begun.map_err(|cause| Failure::Broken(unavailable(cause)))?;
    let written = timeout(ANSWER_TIMEOUT, write(key, &mut transaction, jobs)).await;
    match written.unwrap_or_else(|_| Err(unavailable(FaultCause::Timeout))) {
        Ok(written) => match in_time(transaction.commit()).await {
            Ok(()) => Ok(written),
            Err(cause) => Err(Failure::InDoubt(cause, written)),
        },
        Err(error) => match in_time(transaction.rollback()).await {
            Ok(()) => Err(Failure::Undone(error)),
            Err(_) => Err(Failure::Broken(error)),
        },
    }
}

async fn write(
    key: &MasterKey,
    transaction: &mut Transaction<'_, Any>,
    jobs: &mut [Box<dyn Job>],
) -> Result<Written, StoreError> {
    let mut work = Work::new(transaction);
    for job in jobs {
        job.apply(&mut work).await?;
    }
    let Work {
        connection,
        events,
        effects,
    } = work;
    let appended = append(connection, &events, key).await?;
    Ok(Written { effects, appended })
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

async fn in_time<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, FaultCause> {
    match timeout(ANSWER_TIMEOUT, answer).await {
        Ok(result) => result.map_err(FaultCause::from),
        Err(_) => Err(FaultCause::Timeout),
    }
}

fn unavailable(cause: FaultCause) -> StoreError {
    StoreError::unavailable(cause)
}

#[cfg(test)]
mod tests;
