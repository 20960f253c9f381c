//! The one task that writes: it commits whatever waited during the last commit.
//!
//! A group is one transaction: the writes in the order of their arrival, then all their audit
//! rows. When a group fails it is undone and retried write by write, so that one bad write harms
//! no other. There is no timer: a lone write is committed at once.

mod group;
mod job;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{AnyConnection, Connection};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::audit::heads::Heads;
use crate::cache::Cache;
use crate::database::DatabaseAddress;
use crate::engine::Engine;
use crate::error::{FaultCause, StoreError};
use crate::health::Health;
use crate::master_key::MasterKey;
use crate::place::Place;
pub(crate) use job::Write;
use job::{Job, Queued};
pub(crate) use work::Work;

/// The most writes in one transaction: bounds how long the first of them waits for the last.
const GROUP_LIMIT: usize = 256;
/// Writes that wait; beyond it, callers wait for room.
const QUEUE_LIMIT: usize = 1024;

/// How long the writer rests before it looks after its connection.
const REST: Duration = Duration::from_secs(2);
/// How long a connection may take to say good-bye.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// What the writer needs; the connection is the one that migrated the database.
pub(crate) struct Writer {
    pub(crate) address: DatabaseAddress,
    pub(crate) connection: Option<AnyConnection>,
    /// When the connection was used last.
    pub(crate) used_at: Duration,
    pub(crate) place: Arc<Place>,
    pub(crate) health: Arc<Health>,
    pub(crate) master_key: Arc<MasterKey>,
    pub(crate) cache: Option<Arc<Cache>>,
    pub(crate) heads: Heads,
    pub(crate) counters: Arc<Counters>,
}

/// What the writer has done.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) writes: AtomicU64,
    pub(crate) audit_rows: AtomicU64,
    pub(crate) retried_groups: AtomicU64,
}

/// The way to the writer.
pub(crate) struct Queue {
    sender: mpsc::Sender<Message>,
}

enum Message {
    Write(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

impl Queue {
    /// Has the writer commit `write`. Once it is queued it is committed whether or not the caller
    /// still waits.
    pub(crate) async fn commit<W: Write>(&self, write: W) -> Result<W::Output, StoreError> {
        let (answer, answered) = oneshot::channel();
        let message = Message::Write(Box::new(Queued::new(write, answer)));
        self.sender.send(message).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Commits what waits and ends the writer.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.sender.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
        self.sender.closed().await;
    }
}

fn closed() -> StoreError {
    StoreError::unavailable(FaultCause::Closed)
}

impl Writer {
    /// Starts the writer in the current runtime.
    pub(crate) fn start(self) -> Queue {
        let (sender, receiver) = mpsc::channel(QUEUE_LIMIT);
        tokio::spawn(self.run(receiver));
        Queue { sender }
    }

    async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(GROUP_LIMIT);
        let mut closing = Vec::new();
        while self.next_group(&mut queue, &mut messages).await > 0 {
            let mut jobs = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Write(job) => jobs.push(job),
                    Message::Close(done) => {
                        queue.close();
                        closing.push(done);
                    }
                }
            }
            self.commit(jobs).await;
        }
        self.finish().await;
        for done in closing {
            let _ = done.send(());
        }
    }

    /// Waits for writes, and sees meanwhile that the connection leads somewhere and that this
    /// process has its place.
    async fn next_group(
        &mut self,
        queue: &mut mpsc::Receiver<Message>,
        messages: &mut Vec<Message>,
    ) -> usize {
        loop {
            let received = timeout(REST, queue.recv_many(messages, GROUP_LIMIT)).await;
            match received {
                Ok(received) => return received,
                Err(_) => self.look_after_connection().await,
            }
        }
    }

    async fn finish(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            Engine::of(&self.address).settle(&mut connection).await;
            let _ = timeout(CLOSE_LIMIT, connection.close()).await;
        }
    }
}

impl Counters {
    fn committed(&self, writes: usize, audit_rows: usize) {
        let add = |counter: &AtomicU64, number: usize| {
            counter.fetch_add(u64::try_from(number).unwrap_or(0), Ordering::Relaxed);
        };
        add(&self.commits, 1);
        add(&self.writes, writes);
        add(&self.audit_rows, audit_rows);
    }
}
