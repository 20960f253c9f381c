//! What can go wrong, for whoever calls the store.

use std::path::PathBuf;
use std::sync::Arc;

use sqlx::migrate::MigrateError;

use crate::master_key::MasterKeyError;

/// Why a store method did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// What is there already does not allow the change; nothing was changed.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A text has a NUL character, which the databases cannot hold; nothing was changed.
    #[error("text must not contain a NUL character")]
    NulInText,
    /// The database takes no such value, now or later; nothing was changed.
    #[error("the database does not take the value")]
    Unfit(#[source] DatabaseFault),
    /// The database could not be reached, is full or is read-only; nothing was changed.
    #[error("the database is not available")]
    Unavailable(#[source] DatabaseFault),
    /// The connection was lost while a commit was under way and could not be restored in time to
    /// see how it ended: the change may have been made. Only on PostgreSQL.
    #[error("the connection to the database was lost during a commit")]
    Uncertain(#[source] DatabaseFault),
    /// The database holds a value that this program did not write.
    #[error("the database holds an unreadable value: {0}")]
    Corrupt(String),
}

/// What stands in the way of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// An organization exists, so the instance is set up already.
    #[error("the instance is set up already")]
    AlreadySetUp,
    /// Another row has this id or token.
    #[error("it exists already")]
    Exists,
    /// Another row of the table, or of the organization in it, has this value, which people chose.
    #[error("the {} is taken", column.replace('_', " "))]
    Taken {
        /// The table.
        table: &'static str,
        /// The column that has to be unique.
        column: &'static str,
    },
    /// Something that the new row refers to does not exist.
    #[error("something that it refers to does not exist")]
    Missing,
    /// Somebody else changed what the change relies on.
    #[error("it was changed by somebody else meanwhile: read it and try again")]
    Changed,
    /// The form was taken before.
    #[error("this form was sent before and has done its work: load the page anew to do it again")]
    FormTaken,
    /// The organization would be left without an admin.
    #[error("the last admin can be neither removed nor demoted")]
    LastAdmin,
}

/// What the database or the way to it reported.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct DatabaseFault(Arc<FaultCause>);

/// The causes behind a [`DatabaseFault`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaultCause {
    /// Its causes are in its own text.
    #[error("{}", told(.0))]
    Sqlx(sqlx::Error),
    #[error("the database did not answer in time")]
    Timeout,
    #[error("nobody answers at the database's address")]
    Away,
    #[error("a row that was to be changed is not there, or not as it was")]
    Unchanged,
    #[error("every connection to the database is in use")]
    Busy,
    #[error("the database is read-only or a standby")]
    ReadOnly,
    #[error("a pooler gives each transaction another session of the database")]
    Pooled,
    /// What was asked right after connecting failed.
    #[error(transparent)]
    Asked(DatabaseFault),
    #[error("another control plane has taken this one's place on the database")]
    Displaced,
    #[error("the store is closed")]
    Closed,
}

impl From<sqlx::Error> for FaultCause {
    fn from(error: sqlx::Error) -> Self {
        Self::Sqlx(error)
    }
}

/// What the database said, without the line of its own source code that the driver adds.
fn told(error: &sqlx::Error) -> String {
    if let sqlx::Error::Migrate(error) = error {
        return told_of_migration(error);
    }
    match error.as_database_error() {
        Some(refusal) => refusal.message().to_owned(),
        None => error.to_string(),
    }
}

fn told_of_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) => told(error),
        MigrateError::ExecuteMigration(error, version) => {
            format!("migration {version}: {}", told(error))
        }
        other => other.to_string(),
    }
}

impl From<FaultCause> for DatabaseFault {
    fn from(cause: FaultCause) -> Self {
        Self(Arc::new(cause))
    }
}

impl DatabaseFault {
    /// Whether the connection on which it happened is of no more use.
    pub(crate) fn is_lost_connection(&self) -> bool {
        match self.0.as_ref() {
            FaultCause::Timeout
            | FaultCause::Away
            | FaultCause::Sqlx(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed,
            ) => true,
            FaultCause::Sqlx(error) => code(error).is_some_and(|code| ends_connection(&code)),
            FaultCause::Asked(fault) => fault.is_lost_connection(),
            FaultCause::Busy
            | FaultCause::Unchanged
            | FaultCause::ReadOnly
            | FaultCause::Pooled
            | FaultCause::Displaced
            | FaultCause::Closed => false,
        }
    }

    /// Whether the same question may get its answer on a new connection.
    pub(crate) fn is_worth_another_try(&self) -> bool {
        let stale = |code: &str| {
            // What was prepared is gone or has other columns now; SQLITE_BUSY.
            matches!(code, "26000" | "0A000" | "5")
        };
        match self.0.as_ref() {
            FaultCause::Away => false,
            FaultCause::Sqlx(error) if code(error).is_some_and(|code| stale(&code)) => true,
            _ => self.is_lost_connection(),
        }
    }

    /// The code with which the database refused.
    fn code(&self) -> Option<String> {
        match self.0.as_ref() {
            FaultCause::Sqlx(error) => code(error).map(std::borrow::Cow::into_owned),
            FaultCause::Asked(fault) => fault.code(),
            _ => None,
        }
    }

    /// Whether the database takes no writes: it is a standby, or was told so.
    pub(crate) fn is_read_only(&self) -> bool {
        match self.0.as_ref() {
            FaultCause::ReadOnly => true,
            FaultCause::Asked(fault) => fault.is_read_only(),
            FaultCause::Sqlx(error) => code(error).is_some_and(|code| code == "25006"),
            _ => false,
        }
    }

    /// Whether nobody who would answer was found.
    pub(crate) fn is_nobody(&self) -> bool {
        !matches!(self.0.as_ref(), FaultCause::Displaced)
    }

    /// Whether it is one of those of which the log tells once for all requests.
    pub(crate) fn is_of_an_outage(&self) -> bool {
        let is_displaced = matches!(self.0.as_ref(), FaultCause::Displaced);
        is_displaced || self.is_lost_connection() || self.is_read_only()
    }
}

fn code(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    let refusal = error.as_database_error()?;
    refusal.code()
}

/// SQLSTATEs after which PostgreSQL has closed the connection or will not open one: connection
/// exceptions, too many clients, shut down, crashed, not up yet, dropped, idle for too long
/// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
fn ends_connection(code: &str) -> bool {
    code.starts_with("08")
        || matches!(
            code,
            "53300" | "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "25P03" | "25P04"
        )
}

impl From<DatabaseFault> for StoreError {
    fn from(fault: DatabaseFault) -> Self {
        Self::Unavailable(fault)
    }
}

impl StoreError {
    /// Whether the same write is worth another try: what the database refused for what it says
    /// would be refused again.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Uncertain(_))
    }

    /// The code with which the database refused, as its own documentation has it.
    pub(crate) fn database_code(&self) -> Option<String> {
        match self {
            Self::Unavailable(fault) | Self::Uncertain(fault) => fault.code(),
            Self::Conflict(_) | Self::NulInText | Self::Unfit(_) | Self::Corrupt(_) => None,
        }
    }

    /// Whether the file of the database is damaged.
    pub fn is_of_a_damaged_file(&self) -> bool {
        self.database_code().is_some_and(|code| is_malformed(&code))
    }

    /// Whether the database was away, restarted or read-only, which the log tells once an outage.
    pub fn is_of_an_outage(&self) -> bool {
        match self {
            Self::Unavailable(fault) | Self::Uncertain(fault) => fault.is_of_an_outage(),
            Self::Conflict(_) | Self::NulInText | Self::Unfit(_) | Self::Corrupt(_) => false,
        }
    }

    /// The error with its causes, for a log.
    pub fn causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.ends_with(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            cause = error.source();
        }
        text
    }

    pub(crate) fn unavailable(cause: impl Into<FaultCause>) -> Self {
        Self::Unavailable(cause.into().into())
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt(what.into())
    }
}

impl OpenError {
    /// Whether the database is sure not to have been begun with the master key.
    pub fn is_before_the_key(&self) -> bool {
        !matches!(self, Self::Read(_))
    }

    /// Whether another try may succeed, without anybody putting something right: the database
    /// does not answer, starts, or is a standby.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connect { source, .. } => source.is_of_an_outage(),
            _ => false,
        }
    }
}

/// Why the store could not be opened; each text is one sentence for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its directory cannot be written.
    #[error("the database {path} is not writable")]
    Unwritable {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// There is no database to read.
    #[error("there is no Reoclo database at {0}")]
    Absent(String),
    /// The file is there, and no database can be read in it.
    #[error(
        "the database {0} is damaged: it is not as SQLite writes it. Restore a copy of it, or have \
         `sqlite3` recover what is left (.recover)"
    )]
    Malformed(String),
    /// It was used before, and there is none now.
    #[error(
        "the database {0} is missing or empty, but this data directory was used with one before: \
         restore it, or start with --new to begin an empty one"
    )]
    Lost(String),
    /// A new one was asked for, and there is one.
    #[error("the database {0} is in use already: start without --new, which begins an empty one")]
    NotNew(String),
    /// Nobody answers there, or not to these credentials.
    #[error("cannot connect to the database at {address}{hint}")]
    Connect {
        /// The address, without its credentials.
        address: String,
        /// What is odd about the address as it was given, or nothing.
        hint: &'static str,
        /// What the database said.
        #[source]
        source: DatabaseFault,
    },
    /// A server beyond this machine that would be spoken to in the clear.
    #[error(
        "the database at {0} offers no TLS, which Reoclo asks for beyond loopback: turn it on there, \
         or add sslmode=disable to the URL where the network is trusted"
    )]
    NoTls(String),
    /// Whoever stands before the database takes sessions apart.
    #[error(
        "the database at {0} is reached through a pooler that gives each transaction another \
         session, as PgBouncer does with pool_mode = transaction, and Reoclo needs sessions of its \
         own: set pool_mode = session for this database in pgbouncer.ini, or give PostgreSQL's own \
         address"
    )]
    Pooled(String),
    /// Whoever stands before the database does not take what every connection begins with.
    #[error(
        "the pooler before the database at {address} refuses the parameter {parameter}: add it to \
         ignore_startup_parameters in pgbouncer.ini, with pool_mode = session, or give PostgreSQL's \
         own address"
    )]
    PoolerRefuses {
        /// The address, without its credentials.
        address: String,
        /// What it does not take.
        parameter: String,
    },
    /// Another program holds the database.
    #[error("the database {0} is in use by another program")]
    InUse(String),
    /// Another control plane has its place on the database; where it is.
    #[error(
        "another control plane, connected from {0}, uses this database: stop it, or start this one \
         with --takeover to take its place"
    )]
    Taken(String),
    /// The database was made by another master key.
    #[error(
        "the master key is not the one that this database was made with: restore the original \
         master.key or REOCLO_MASTER_KEY"
    )]
    WrongMasterKey,
    /// A newer version has changed the tables.
    #[error(
        "the database was written by {}: use that version or a newer one, or a copy of the database \
         from before",
        newer(*.migration, .program.as_deref())
    )]
    Newer {
        /// A migration that this version does not know.
        migration: i64,
        /// The version that made it, where that is noted.
        program: Option<String>,
    },
    /// The tables are older than this version; only the start of a control plane changes them.
    #[error(
        "the database was written by an older version of Reoclo: start the control plane once to bring it up to date"
    )]
    Older,
    /// The tables could not be brought to this version.
    #[error("the database could not be migrated")]
    Migrate(#[source] DatabaseFault),
    /// Reading what is there failed.
    #[error("the database could not be read")]
    Read(#[from] StoreError),
    /// The master key could not be loaded.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
}

/// SQLITE_CORRUPT with its extended codes, and SQLITE_NOTADB (https://sqlite.org/rescode.html).
pub(crate) fn is_malformed(code: &str) -> bool {
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 11 | 26))
}

/// Whoever wrote the tables, as far as it is noted.
fn newer(migration: i64, program: Option<&str>) -> String {
    match program {
        // The last one that is noted may be this very version.
        Some(version) if version != env!("CARGO_PKG_VERSION") => format!("Reoclo {version}"),
        _ => format!("a newer version of Reoclo (it has migration {migration})"),
    }
}
