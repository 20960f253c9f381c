//! The store itself: opened once, cloned freely.

mod open;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AuditEventId, Clock, Entropy};
use ring::signature::Ed25519KeyPair;

use crate::address_sources::KnownLists;
use crate::cache::Cache;
use crate::database::DatabaseAddress;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::form_marks::{ForForm, FormMark};
use crate::instance::InstanceRecord;
use crate::master_key::MasterKey;
use crate::place::{Place, Sharing};
use crate::rate_windows::RateWindows;
use crate::readers::{Reader, Readers};
use crate::sql::sql;
use crate::writer::{Counters, Queue, Work, Write};

/// What is known of a database before it is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Nothing: it is made where it is missing.
    #[default]
    Anything,
    /// It was used before, so one that is missing or empty is another one.
    Used,
    /// It is to be begun.
    Unused,
}

/// What a store is opened with.
pub struct StoreOptions {
    /// Where the database is.
    pub database: DatabaseAddress,
    /// Seals secret values and authenticates the audit log.
    pub master_key: MasterKey,
    /// The time of events that the store itself writes.
    pub clock: Arc<dyn Clock>,
    /// Ids, data keys and nonces.
    pub entropy: Arc<dyn Entropy>,
    /// Who else may use the database at the same time.
    pub sharing: Sharing,
    /// How long to wait for a database that is not up yet.
    pub wait_for_database: Duration,
    /// Whether it was used before.
    pub expected: Expected,
}

/// What the store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreStatistics {
    /// Transactions committed.
    pub commits: u64,
    /// Writes committed in them.
    pub writes: u64,
    /// Audit rows committed in them.
    pub audit_rows: u64,
    /// Groups that failed and were retried write by write.
    pub retried_groups: u64,
    /// Keys in memory; 0 on PostgreSQL.
    pub cached_keys: u64,
}

/// Everything that Reoclo remembers. Clones share one writer and one pool of readers.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
    /// The form that changes are made for, once.
    pub(crate) form: Option<FormMark>,
}

pub(crate) struct Inner {
    engine: Engine,
    instance: InstanceRecord,
    own_key: Ed25519KeyPair,
    place: Arc<Place>,
    readers: Arc<Readers>,
    writer: Queue,
    cache: Option<Arc<Cache>>,
    rate_windows: RateWindows,
    known_lists: KnownLists,
    master_key: Arc<MasterKey>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    counters: Arc<Counters>,
    /// In microseconds of the clock, or [`NEVER`].
    failed_to_write_at: AtomicU64,
}

/// No change has failed since one was written.
const NEVER: u64 = u64::MAX;

/// Changes a row into what it is, and so shows that the database takes changes.
struct Ping;

impl Write for Ping {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        sql("UPDATE instance SET id = id")
            .execute(work.connection().await?)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Commits what waits and closes the database; later calls are `Unavailable`.
    #[boxed]
    pub async fn close(&self) {
        // Readers first: the last connection to a SQLite file tidies up behind itself.
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    /// Whether a read and a write are possible now.
    #[boxed]
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut reader = self.reader().await?;
        sql("SELECT id FROM instance").one(&mut reader).await?;
        self.inner.writer.commit(Ping).await
    }

    /// Whether the last change could not be written, and that is less than `within` ago.
    pub fn has_failed_to_write(&self, within: Duration) -> bool {
        let failed_at = self.inner.failed_to_write_at.load(Ordering::Relaxed);
        let now = self.clock().monotonic();
        failed_at != NEVER && now.saturating_sub(Duration::from_micros(failed_at)) < within
    }

    /// Waits until another control plane has taken this one's place on the database: from then on
    /// nothing can be written.
    #[boxed]
    pub async fn displaced(&self) {
        self.inner.place.displaced().await;
    }

    /// The key that this control plane proves itself with to its runners.
    pub fn own_key(&self) -> &Ed25519KeyPair {
        &self.inner.own_key
    }

    /// This instance of Reoclo.
    pub fn instance(&self) -> InstanceRecord {
        self.inner.instance
    }

    /// The kind of database.
    pub fn engine(&self) -> Engine {
        self.inner.engine
    }

    /// What the store has done so far.
    pub fn statistics(&self) -> StoreStatistics {
        let counters = &self.inner.counters;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let cached_keys = self.cache().map_or(0, Cache::len);
        StoreStatistics {
            commits: count(&counters.commits),
            writes: count(&counters.writes),
            audit_rows: count(&counters.audit_rows),
            retried_groups: count(&counters.retried_groups),
            cached_keys: u64::try_from(cached_keys).unwrap_or(u64::MAX),
        }
    }

    /// Has the writer commit a change.
    pub(crate) async fn write<W: Write>(&self, write: W) -> Result<W::Output, StoreError> {
        let writer = &self.inner.writer;
        let written = match self.form.clone() {
            Some(mark) => writer.commit(ForForm { mark, write }).await,
            None => writer.commit(write).await,
        };
        let failed_at = match &written {
            Ok(_) => NEVER,
            // The change was at fault, and the database is not.
            Err(StoreError::Conflict(_) | StoreError::NulInText | StoreError::Unfit(_)) => {
                return written;
            }
            Err(_) => u64::try_from(self.clock().monotonic().as_micros()).unwrap_or(NEVER),
        };
        let noted = &self.inner.failed_to_write_at;
        if noted.load(Ordering::Relaxed) != failed_at {
            noted.store(failed_at, Ordering::Relaxed);
        }
        written
    }

    /// A connection that reads what was committed.
    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        self.inner.readers.lend().await
    }

    /// What every request needs, where it is kept in memory.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.inner.cache.as_deref()
    }

    /// Whether no other process uses the database while this one does.
    pub(crate) fn is_alone(&self) -> bool {
        self.inner.engine == Engine::Sqlite || self.inner.place.is_alone()
    }

    pub(crate) fn rate_windows(&self) -> &RateWindows {
        &self.inner.rate_windows
    }

    /// Lists of networks that were read before.
    pub(crate) fn known_lists(&self) -> &KnownLists {
        &self.inner.known_lists
    }

    pub(crate) fn master_key(&self) -> &MasterKey {
        &self.inner.master_key
    }

    pub(crate) fn shared_master_key(&self) -> Arc<MasterKey> {
        Arc::clone(&self.inner.master_key)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.inner.clock.as_ref()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.inner.entropy.as_ref()
    }

    /// An id for an event that the store itself writes.
    pub(crate) fn event_id(&self) -> AuditEventId {
        AuditEventId::new(self.clock(), self.entropy())
    }
}
