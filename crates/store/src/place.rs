//! The place of the one control plane on a database (ADR 25).
//!
//! On PostgreSQL it is a session's advisory lock, held by the one connection that writes: who
//! loses that connection loses the place and cannot write, and who writes has it. On SQLite it is
//! the lock on a file.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::AnyConnection;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::error::{FaultCause, OpenError, StoreError};
use crate::sql::sql;

/// How a control plane shares its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// With others, all at the same time.
    #[default]
    Shared,
    /// With nobody.
    Alone {
        /// How long to wait for another to end.
        wait: Duration,
        /// Have another end at once.
        take_over: bool,
    },
}

/// How far apart the lock is tried.
const TRY_PAUSE: Duration = Duration::from_millis(200);
/// How often it is tried when the place was this process's a moment ago.
const TRIES_AGAIN: u32 = 15;
/// How long the session of another, that was told to end, may take to do so.
const END_LIMIT: Duration = Duration::from_secs(15);

macro_rules! key {
    () => {
        "hashtextextended('reoclo control plane ' || COALESCE(current_schema(), ''), 0)"
    };
}

macro_rules! holder {
    () => {
        concat!(
            "pg_locks.locktype = 'advisory' AND pg_locks.objsubid = 1 AND pg_locks.granted
             AND pg_locks.pid <> pg_backend_pid()
             AND pg_locks.database =
                 (SELECT oid FROM pg_database WHERE datname = current_database())
             AND ((CAST(pg_locks.classid AS BIGINT) << 32) | CAST(pg_locks.objid AS BIGINT)) = ",
            key!()
        )
    };
}

const TRY: &str = concat!(
    "SELECT CAST(CASE WHEN pg_try_advisory_lock(",
    key!(),
    ") THEN 1 ELSE 0 END AS BIGINT) AS held, CAST(pg_backend_pid() AS BIGINT) AS pid"
);
const HOLDER: &str = concat!(
    "SELECT COALESCE(host(pg_stat_activity.client_addr), 'this machine') AS address
     FROM pg_locks JOIN pg_stat_activity ON pg_stat_activity.pid = pg_locks.pid WHERE ",
    holder!()
);
const END_OTHER: &str = concat!(
    "SELECT CAST(COUNT(CASE WHEN pg_terminate_backend(pg_locks.pid) THEN 1 END) AS BIGINT) AS ended
     FROM pg_locks WHERE ",
    holder!()
);
const END_OWN: &str = concat!(
    "SELECT CAST(COUNT(CASE WHEN pg_terminate_backend(pg_locks.pid) THEN 1 END) AS BIGINT) AS ended
     FROM pg_locks WHERE pg_locks.pid = CAST($1 AS BIGINT) AND ",
    holder!()
);
const HAS_EPOCHS: &str = "
    SELECT COUNT(*) AS number FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name = 'control_plane_epoch'";
const NEXT_EPOCH: &str =
    "UPDATE control_plane_epoch SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch";

/// What a process knows of its place.
pub(crate) struct Place {
    /// `None` where there are no places.
    held: Option<Mutex<Held>>,
    displaced: watch::Sender<bool>,
}

#[derive(Clone, Copy, Default)]
struct Held {
    /// The session that had the lock last.
    pid: i64,
    epoch: i64,
}

impl Place {
    /// A place that many may have.
    pub(crate) fn shared() -> Self {
        Self {
            held: None,
            displaced: watch::Sender::new(false),
        }
    }

    /// Takes the place on a PostgreSQL for the session of this connection.
    pub(crate) async fn take(
        connection: &mut AnyConnection,
        sharing: Sharing,
    ) -> Result<Self, OpenError> {
        let Sharing::Alone { wait, take_over } = sharing else {
            return Ok(Self::shared());
        };
        let mut limit = wait;
        if take_over {
            displace(connection).await?;
            limit = wait.max(END_LIMIT);
        }
        let Some(pid) = wait_for_lock(connection, limit, take_over).await? else {
            let holder = sql(HOLDER).optional(connection).await?;
            let address = holder.map(|row| row.get("address")).transpose()?;
            return Err(OpenError::Taken(
                address.unwrap_or_else(|| "unknown".into()),
            ));
        };
        Ok(Self {
            held: Some(Mutex::new(Held { pid, epoch: 0 })),
            displaced: watch::Sender::new(false),
        })
    }

    /// Begins an epoch: whoever had the place before knows by it that it is gone.
    pub(crate) async fn begin_epoch(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<(), OpenError> {
        if let Some(held) = &self.held {
            let row = sql(NEXT_EPOCH).one(connection).await?;
            lock(held).epoch = row.get("epoch")?;
        }
        Ok(())
    }

    /// Whether nobody else writes while this process has its place.
    pub(crate) fn is_alone(&self) -> bool {
        self.held.is_some()
    }

    /// Takes the place again for the session of a new connection, unless another had it since.
    pub(crate) async fn hold_again(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<(), StoreError> {
        let Some(held) = &self.held else {
            return Ok(());
        };
        for _ in 0..TRIES_AGAIN {
            let tried = sql(TRY).one(connection).await?;
            let row = sql("SELECT epoch FROM control_plane_epoch WHERE id = 1");
            let epoch = row.one(connection).await?.get::<i64>("epoch")?;
            let mine = *lock(held);
            if epoch != mine.epoch {
                self.displaced.send_replace(true);
                return Err(StoreError::unavailable(FaultCause::Displaced));
            }
            if tried.get::<i64>("held")? == 1 {
                lock(held).pid = tried.get::<i64>("pid")?;
                return Ok(());
            }
            // The session of the connection that was lost may not know of it yet.
            sql(END_OWN).bind(mine.pid).one(connection).await?;
            sleep(TRY_PAUSE).await;
        }
        Err(StoreError::unavailable(FaultCause::Displaced))
    }

    /// Whether another has the place.
    pub(crate) fn is_displaced(&self) -> bool {
        *self.displaced.borrow()
    }

    /// Waits until another has the place.
    pub(crate) async fn displaced(&self) {
        let mut displaced = self.displaced.subscribe();
        if displaced.wait_for(|displaced| *displaced).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The session that has the lock now, or `None` when another kept it for all of `limit`.
async fn wait_for_lock(
    connection: &mut AnyConnection,
    limit: Duration,
    take_over: bool,
) -> Result<Option<i64>, StoreError> {
    let mut waited = Duration::ZERO;
    loop {
        let tried = sql(TRY).one(connection).await?;
        if tried.get::<i64>("held")? == 1 {
            return Ok(Some(tried.get::<i64>("pid")?));
        }
        if waited >= limit {
            return Ok(None);
        }
        if waited.is_zero() {
            tracing::warn!(
                seconds = limit.as_secs(),
                "another control plane uses this database: waiting for it to end"
            );
        }
        if take_over {
            // It may have come back before it knew.
            sql(END_OTHER).one(connection).await?;
        }
        sleep(TRY_PAUSE).await;
        waited += TRY_PAUSE;
    }
}

/// First the epoch, so that the other does not take its place again, and then its session.
async fn displace(connection: &mut AnyConnection) -> Result<(), StoreError> {
    if sql(HAS_EPOCHS)
        .one(connection)
        .await?
        .get::<i64>("number")?
        > 0
    {
        sql(NEXT_EPOCH).one(connection).await?;
    }
    let ended = sql(END_OTHER).one(connection).await?.get::<i64>("ended")?;
    if ended > 0 {
        tracing::warn!("another control plane has lost its place to this one");
    }
    Ok(())
}

fn lock(held: &Mutex<Held>) -> std::sync::MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
