//! What differs between the two engines, all of it.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, install_default_drivers};
use sqlx::error::DatabaseError;
use sqlx::{Any, AnyConnection, ConnectOptions, Connection, Executor, Transaction};

use crate::database::{self, DatabaseAddress};
use crate::error::{FaultCause, OpenError, StoreError, is_malformed};
use crate::pooler;
use crate::sql::{Sending, sql};

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
    /// The one that writes, when a control plane starts.
    Begin,
    /// The one that writes, again.
    Write,
    /// One of those that read.
    Read,
    /// Seeing whether one could write.
    Probe,
    /// Reading a database that may belong to a running server.
    Inspect,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a file that somebody else is changing is tried again, and after what pause.
const BUSY_TRIES: u32 = 50;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

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
/// A node that stops in the middle of a transaction must not keep the others waiting for ever, and
/// one whose machine is gone must not keep its place for the two hours of a system's own limits.
const POSTGRES_WRITER: &str = "
    SET idle_in_transaction_session_timeout = 10000;
    SET tcp_keepalives_idle = 10;
    SET tcp_keepalives_interval = 5;
    SET tcp_keepalives_count = 3;
";
/// What a server says of itself. A standby has old rows, such as a key that was revoked since.
const STANDING: &str = "
    SELECT CAST(CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END AS BIGINT) AS standby,
        CAST(CASE WHEN current_setting('transaction_read_only') = 'on' THEN 1 ELSE 0 END
            AS BIGINT) AS read_only";

/// Locks a key's rate window, making it if need be, and reads it with the clock that all nodes of
/// a PostgreSQL share; the clock is read when the lock is held.
pub(crate) const LOCK_RATE_WINDOW: &str = "
    INSERT INTO rate_windows (key_id, second, counts) VALUES ($1, 0, '')
    ON CONFLICT (key_id) DO UPDATE SET key_id = excluded.key_id
    RETURNING second, counts, CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT) AS now";

impl Engine {
    /// The engine at an address.
    pub(crate) fn of(address: &DatabaseAddress) -> Self {
        match address {
            DatabaseAddress::Sqlite(_) => Self::Sqlite,
            DatabaseAddress::Postgres(_) => Self::Postgres,
        }
    }

    /// Whether a control plane has begun to use the database.
    pub(crate) async fn is_used(self, connection: &mut AnyConnection) -> Result<bool, StoreError> {
        let has_table = match self {
            Self::Sqlite => {
                "SELECT COUNT(*) AS number FROM sqlite_master
                 WHERE type = 'table' AND name = 'instance'"
            }
            Self::Postgres => {
                "SELECT COUNT(*) AS number FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_name = 'instance'"
            }
        };
        let has_table = sql(has_table).one(connection).await?;
        if has_table.get::<i64>("number")? == 0 {
            return Ok(false);
        }
        let rows = sql("SELECT COUNT(*) AS number FROM instance");
        Ok(rows.one(connection).await?.get::<i64>("number")? > 0)
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
            Self::Postgres => Sending::Merged { all: writes == 1 },
            Self::Sqlite if writes == 1 => Sending::Whole,
            Self::Sqlite => Sending::InRuns,
        }
    }

    /// Begins a transaction in which every read sees the same state.
    pub(crate) async fn begin_snapshot(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Transaction<'_, Any>, sqlx::Error> {
        connection.begin_with(self.snapshot()).await
    }

    /// What begins such a transaction.
    pub(crate) const fn snapshot(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
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
    pub(crate) const fn readers(self) -> usize {
        match self {
            Self::Sqlite => 3,
            Self::Postgres => 12,
        }
    }

    fn preparation(self, purpose: Purpose) -> Option<&'static str> {
        match (self, purpose) {
            (Self::Sqlite, Purpose::Begin | Purpose::Write) => Some(SQLITE_WRITER),
            (Self::Sqlite, Purpose::Read | Purpose::Inspect) => Some(SQLITE_READER),
            (Self::Postgres, Purpose::Begin | Purpose::Write) => Some(POSTGRES_WRITER),
            (Self::Sqlite, Purpose::Probe)
            | (Self::Postgres, Purpose::Read | Purpose::Probe | Purpose::Inspect) => None,
        }
    }
}

/// Whether the database is a file that is not there or has nothing in it.
pub(crate) fn is_empty_file(address: &DatabaseAddress) -> bool {
    match address {
        DatabaseAddress::Sqlite(path) => path.metadata().map_or_else(
            |error| error.kind() == std::io::ErrorKind::NotFound,
            |found| found.len() == 0,
        ),
        DatabaseAddress::Postgres(_) => false,
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

/// Opens one connection: on the first of the address's servers that will do.
pub(crate) async fn connect(
    address: &DatabaseAddress,
    purpose: Purpose,
) -> Result<AnyConnection, FaultCause> {
    let mut failed = FaultCause::Timeout;
    for options in options(address, purpose)? {
        let connecting = connect_to(&options, Engine::of(address), purpose);
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(cause)) => failed = cause,
            Err(_) => failed = FaultCause::Timeout,
        }
    }
    Err(failed)
}

/// SQLite does not wait when two connections change a new file to its write-ahead log at once: one
/// is refused, and finds it done a moment later.
async fn connect_to(
    options: &AnyConnectOptions,
    engine: Engine,
    purpose: Purpose,
) -> Result<AnyConnection, FaultCause> {
    for _ in 0..BUSY_TRIES {
        match try_connect(options, engine, purpose).await {
            Err(FaultCause::Sqlx(error)) if is_busy(&error) => tokio::time::sleep(BUSY_PAUSE).await,
            connected => return connected,
        }
    }
    try_connect(options, engine, purpose).await
}

async fn try_connect(
    options: &AnyConnectOptions,
    engine: Engine,
    purpose: Purpose,
) -> Result<AnyConnection, FaultCause> {
    let mut connection = options.connect().await?;
    if engine == Engine::Postgres
        && purpose == Purpose::Begin
        && pooler::shares_sessions(&mut connection, options).await
    {
        return Err(FaultCause::Pooled);
    }
    prepare(&mut connection, engine, purpose).await?;
    if engine == Engine::Postgres && !will_do(&mut connection, purpose).await? {
        let _ = connection.close().await;
        return Err(FaultCause::ReadOnly);
    }
    Ok(connection)
}

/// Whether the server is one that may be asked, or written to.
async fn will_do(connection: &mut AnyConnection, purpose: Purpose) -> Result<bool, FaultCause> {
    let column = match purpose {
        Purpose::Inspect => return Ok(true),
        Purpose::Read => "standby",
        Purpose::Begin | Purpose::Write | Purpose::Probe => "read_only",
    };
    let standing = sql(STANDING).one(connection).await;
    let unfit = standing.and_then(|standing| standing.get::<i64>(column));
    match unfit {
        Ok(unfit) => Ok(unfit == 0),
        Err(StoreError::Unavailable(fault)) => Err(FaultCause::Asked(fault)),
        Err(_) => Err(FaultCause::Timeout),
    }
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

fn options(
    address: &DatabaseAddress,
    purpose: Purpose,
) -> Result<Vec<AnyConnectOptions>, sqlx::Error> {
    install_default_drivers();
    let urls = match address {
        DatabaseAddress::Sqlite(path) => vec![sqlite_url(path, purpose)],
        DatabaseAddress::Postgres(url) => database::servers(url.expose())
            .into_iter()
            .map(database::with_tls)
            .collect(),
    };
    let parsed = urls.iter().map(|url| {
        let options: AnyConnectOptions = url.parse()?;
        // Statements are logged nowhere: their texts tell nothing that the caller cannot tell
        // better.
        Ok(options.disable_statement_logging())
    });
    parsed.collect()
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
        Purpose::Begin | Purpose::Write | Purpose::Read | Purpose::Probe => "rw",
        Purpose::Inspect => "ro",
    };
    url + "?mode=" + mode
}

/// As the driver says it when the server answers no to the question for TLS.
fn is_without_tls(cause: &(dyn std::error::Error + Send + Sync)) -> bool {
    cause.to_string().contains("does not support TLS")
}

/// Why the database could not be opened, in words for whoever starts the program.
pub(crate) fn open_error(address: &DatabaseAddress, cause: FaultCause) -> OpenError {
    let code = match &cause {
        FaultCause::Sqlx(sqlx::Error::Database(refusal)) => refusal.code().unwrap_or_default(),
        FaultCause::Pooled => return OpenError::Pooled(address.without_secrets()),
        FaultCause::Sqlx(sqlx::Error::Tls(cause)) if is_without_tls(cause.as_ref()) => {
            return OpenError::NoTls(address.without_secrets());
        }
        _ => "".into(),
    };
    if let FaultCause::Sqlx(sqlx::Error::Database(refusal)) = &cause
        && let Some(parameter) = pooler::refused_parameter(refusal.as_ref())
    {
        return OpenError::PoolerRefuses {
            address: address.without_secrets(),
            parameter: parameter.to_owned(),
        };
    }
    match (Engine::of(address), code.as_ref()) {
        // SQLITE_BUSY (https://sqlite.org/rescode.html).
        (Engine::Sqlite, "5") => OpenError::InUse(address.without_secrets()),
        (Engine::Sqlite, code) if is_malformed(code) => {
            OpenError::Malformed(address.without_secrets())
        }
        _ => OpenError::Connect {
            address: address.without_secrets(),
            hint: address.hint(),
            source: cause.into(),
        },
    }
}
