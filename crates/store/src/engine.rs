//! What differs between the two engines, all of it.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::error::DatabaseError;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Transaction};

use crate::database::DatabaseAddress;
use crate::error::{Conflict, FaultCause, OpenError, StoreError};
use crate::sql::Sending;

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Embedded, in one file, for one node.
    Sqlite,
    /// A server that many nodes share.
    Postgres,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The one that writes.
    Write,
    /// One of those that read.
    Read,
    /// Reading a database that may belong to a running server.
    Inspect,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a file that somebody else is changing is tried again, and after what pause.
const BUSY_TRIES: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// A pooled connection to a server that rested this long is tried out before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How often a commit appends to the file before it is folded into the database: 4 MiB.
const SQLITE_WRITER: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = FAST;
    PRAGMA cache_size = -1024;
    PRAGMA journal_size_limit = 8388608;
";
const SQLITE_READER: &str = "
    PRAGMA query_only = ON;
    PRAGMA cache_size = -512;
";
/// A node that stops in the middle of a transaction must not keep the others waiting for ever.
const POSTGRES_WRITER: &str = "SET idle_in_transaction_session_timeout = 10000";

/// Locks a key's rate window, making it if need be, and reads it with the clock that all nodes of
/// a PostgreSQL share; the clock is read when the lock is held.
pub(crate) const LOCK_RATE_WINDOW: &str = "
    INSERT INTO rate_windows (key_id, second, counts) VALUES ($1, 0, '')
    ON CONFLICT (key_id) DO UPDATE SET key_id = excluded.key_id
    RETURNING second, counts, CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT) AS now";

/// Fails, and with it the transaction, when the statement before it changed no row: for statements
/// whose answer nobody waits for, which only SQLite has.
pub(crate) const REFUSE_UNLESS_CHANGED: &str = "
    INSERT INTO audit_heads (chain, seq, hash, mac) SELECT NULL, 0, '', '' WHERE changes() = 0";

impl Engine {
    /// The engine at an address.
    pub(crate) fn of(address: &DatabaseAddress) -> Self {
        match address {
            DatabaseAddress::Sqlite(_) => Self::Sqlite,
            DatabaseAddress::Postgres(_) => Self::Postgres,
        }
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Transaction<'_, Any>, sqlx::Error> {
        connection.begin_with(self.begin_to_write()).await
    }

    /// What begins a transaction that writes. On SQLite it takes the write lock at once, since a
    /// lock that is taken later can be refused.
    pub(crate) const fn begin_to_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// How a transaction of so many writes sends its statements. A lone write is one of a few
    /// kinds, so its statements come in few orders.
    pub(crate) const fn sending(self, writes: usize) -> Sending {
        match self {
            Self::Postgres => Sending::Apart,
            Self::Sqlite if writes == 1 => Sending::Whole,
            Self::Sqlite => Sending::InRuns,
        }
    }

    /// Whether nobody else moves the heads of the audit chains while this process runs.
    pub(crate) const fn has_one_writer(self) -> bool {
        matches!(self, Self::Sqlite)
    }

    /// Begins a transaction whose loss in a crash does no harm: its commit does not wait for the
    /// disk.
    pub(crate) async fn begin_forgetful(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Transaction<'_, Any>, sqlx::Error> {
        let mut transaction = self.begin(connection).await?;
        if self == Self::Postgres {
            transaction
                .execute("SET LOCAL synchronous_commit = off")
                .await?;
        }
        Ok(transaction)
    }

    /// Begins a transaction in which every read sees the same state.
    pub(crate) async fn begin_snapshot(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Transaction<'_, Any>, sqlx::Error> {
        let statement = match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        connection.begin_with(statement).await
    }

    /// What is done after the last write, before the writer's connection closes.
    pub(crate) async fn settle(self, connection: &mut AnyConnection) {
        if self == Self::Sqlite {
            let folded = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
            if let Err(error) = folded {
                tracing::warn!(%error, "the write-ahead log could not be folded in");
            }
        }
    }

    /// The most connections that read at a time; they are opened when they are needed.
    fn readers(self) -> u32 {
        match self {
            Self::Sqlite => 3,
            Self::Postgres => 12,
        }
    }

    fn preparation(self, purpose: Purpose) -> Option<&'static str> {
        match (self, purpose) {
            (Self::Sqlite, Purpose::Write) => Some(SQLITE_WRITER),
            (Self::Sqlite, Purpose::Read | Purpose::Inspect) => Some(SQLITE_READER),
            (Self::Postgres, Purpose::Write) => Some(POSTGRES_WRITER),
            (Self::Postgres, Purpose::Read | Purpose::Inspect) => None,
        }
    }
}

/// Makes the database file, readable by nobody else, if it is not there. SQLite gives the files
/// beside it the same mode.
pub(crate) fn create_file(address: &DatabaseAddress) -> Result<(), OpenError> {
    let DatabaseAddress::Sqlite(path) = address else {
        return Ok(());
    };
    let mut options = OpenOptions::new();
    let opened = options.append(true).create(true).mode(0o600).open(path);
    opened.map(drop).map_err(|source| OpenError::Unwritable {
        path: path.clone(),
        source,
    })
}

/// Opens one connection.
pub(crate) async fn connect(
    address: &DatabaseAddress,
    purpose: Purpose,
) -> Result<AnyConnection, FaultCause> {
    let options = options(address, purpose)?;
    let connecting = async {
        for _ in 0..BUSY_TRIES {
            match try_connect(&options, address, purpose).await {
                Err(error) if is_busy(&error) => tokio::time::sleep(BUSY_PAUSE).await,
                connected => return Ok(connected?),
            }
        }
        Ok(try_connect(&options, address, purpose).await?)
    };
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    connected.map_err(|_| FaultCause::Timeout)?
}

/// Makes the pool of readers, without a connection in it yet.
pub(crate) fn readers(address: &DatabaseAddress) -> Result<AnyPool, FaultCause> {
    let engine = Engine::of(address);
    let pool = AnyPoolOptions::new()
        .max_connections(engine.readers())
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move { prepare(connection, engine, Purpose::Read).await })
        })
        .before_acquire(move |connection, rest| {
            Box::pin(async move {
                if engine == Engine::Postgres && rest.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(pool.connect_lazy_with(options(address, Purpose::Read)?))
}

/// SQLite does not wait when two connections change a new file to its write-ahead log at once: one
/// is refused, and finds it done a moment later.
async fn try_connect(
    options: &AnyConnectOptions,
    address: &DatabaseAddress,
    purpose: Purpose,
) -> Result<AnyConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    prepare(&mut connection, Engine::of(address), purpose).await?;
    Ok(connection)
}

/// `SQLITE_BUSY` (https://sqlite.org/rescode.html); PostgreSQL has no such code.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == "5")
}

async fn prepare(
    connection: &mut AnyConnection,
    engine: Engine,
    purpose: Purpose,
) -> Result<(), sqlx::Error> {
    if let Some(preparation) = engine.preparation(purpose) {
        connection.execute(preparation).await?;
    }
    Ok(())
}

fn options(address: &DatabaseAddress, purpose: Purpose) -> Result<AnyConnectOptions, sqlx::Error> {
    install_default_drivers();
    let options: AnyConnectOptions = match address {
        DatabaseAddress::Sqlite(path) => sqlite_url(path, purpose).parse()?,
        DatabaseAddress::Postgres(url) => url.expose().parse()?,
    };
    // Statements are logged nowhere: their texts tell nothing that the caller cannot tell better.
    Ok(options.disable_statement_logging())
}

/// The path as a URL. It is made absolute and free of `..`, which URLs resolve in their own way.
fn sqlite_url(path: &Path, purpose: Purpose) -> String {
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut url = "sqlite:".to_owned();
    for byte in absolute.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    let mode = match purpose {
        Purpose::Write | Purpose::Read => "rw",
        Purpose::Inspect => "ro",
    };
    url + "?mode=" + mode
}

/// What an error of the driver means for the caller.
pub(crate) fn fault(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(refusal) => match conflict(refusal.as_ref()) {
            Some(conflict) => conflict.into(),
            None if is_of_a_value(refusal.as_ref()) => {
                StoreError::Unfit(FaultCause::from(error).into())
            }
            None => StoreError::unavailable(error),
        },
        sqlx::Error::Encode(_) => StoreError::Unfit(FaultCause::from(error).into()),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            StoreError::corrupt(error.to_string())
        }
        _ => StoreError::unavailable(error),
    }
}

/// SQLite names the index or the columns and PostgreSQL the constraint, in the message.
fn conflict(refusal: &dyn DatabaseError) -> Option<Conflict> {
    let message = refusal.message();
    if refusal.is_foreign_key_violation() {
        Some(Conflict::Missing)
    } else if !refusal.is_unique_violation() {
        None
    } else if message.contains("slug") {
        Some(Conflict::Slug)
    } else if message.contains("email") {
        Some(Conflict::Email)
    } else {
        Some(Conflict::Exists)
    }
}

/// Whether a value is at fault, and not the database or the way to it: PostgreSQL's classes 22
/// (data exception) and 54 (limit exceeded) and its NOT NULL and CHECK violations, and SQLite's
/// of that kind (<https://sqlite.org/rescode.html>). SQLite's NOT NULL is not among
/// them: [`REFUSE_UNLESS_CHANGED`] is one.
fn is_of_a_value(refusal: &dyn DatabaseError) -> bool {
    let code = refusal.code().unwrap_or_default();
    match code.len() {
        // An SQLSTATE.
        5 => ["22", "54", "23502", "23514"]
            .iter()
            .any(|class| code.starts_with(class)),
        // `TOOBIG`, `CONSTRAINT_CHECK`, `CONSTRAINT_TRIGGER`, `CONSTRAINT_DATATYPE`, `MISMATCH`.
        _ => ["18", "275", "1811", "3091", "20"].contains(&code.as_ref()),
    }
}

/// Why the database could not be opened, in words for whoever starts the program.
pub(crate) fn open_error(address: &DatabaseAddress, cause: FaultCause) -> OpenError {
    let code = match &cause {
        FaultCause::Sqlx(sqlx::Error::Database(refusal)) => refusal.code().unwrap_or_default(),
        _ => "".into(),
    };
    match (Engine::of(address), code.as_ref()) {
        // SQLITE_BUSY, SQLITE_NOTADB (https://sqlite.org/rescode.html).
        (Engine::Sqlite, "5") => OpenError::InUse(address.without_secrets()),
        (Engine::Sqlite, "26") => OpenError::Absent(address.without_secrets()),
        _ => OpenError::Connect {
            address: address.without_secrets(),
            source: cause.into(),
        },
    }
}
