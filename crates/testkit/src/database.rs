//! Databases: a fresh one for each test, gone when the test ends.

mod postgres;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::Secret;
use reoclo_store::{DatabaseAddress, Expected, MasterKey, Sharing, Store, StoreOptions};
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection};
use tempfile::TempDir;

use crate::{RealClock, RealEntropy};

/// A database of a test's own.
pub struct Database {
    address: DatabaseAddress,
    /// Removed when it is dropped.
    _kept: Kept,
}

enum Kept {
    Directory { _directory: TempDir },
    Server { _database: postgres::Temporary },
}

/// A new, empty SQLite database.
pub fn sqlite() -> Database {
    let directory = TempDir::new().expect("the directory for temporary files is not writable");
    Database {
        address: DatabaseAddress::Sqlite(directory.path().join("reoclo.db")),
        _kept: Kept::Directory {
            _directory: directory,
        },
    }
}

/// A migrated PostgreSQL database: a copy of one that is migrated once for all tests.
pub async fn postgres() -> Database {
    on_server(postgres::copy_of_template().await)
}

/// An empty PostgreSQL database, for tests of the migration itself.
pub async fn empty_postgres() -> Database {
    on_server(postgres::empty().await)
}

fn on_server(database: postgres::Temporary) -> Database {
    Database {
        address: database.address(),
        _kept: Kept::Server {
            _database: database,
        },
    }
}

impl Database {
    /// Where it is.
    pub fn address(&self) -> &DatabaseAddress {
        &self.address
    }

    /// The database's file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match &self.address {
            DatabaseAddress::Sqlite(path) => Some(path),
            DatabaseAddress::Postgres(_) => None,
        }
    }

    /// A connection of its own, past the store.
    pub async fn connect(&self) -> AnyConnection {
        install_default_drivers();
        let url = match &self.address {
            DatabaseAddress::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseAddress::Postgres(url) => url.expose().to_owned(),
        };
        let connected = AnyConnection::connect(&url).await;
        connected.expect("the database of a test answers")
    }

    /// Runs a statement behind the store's back, and says how many rows it changed.
    pub async fn execute(&self, statement: &str) -> u64 {
        let statement = sqlx::query(AssertSqlSafe(statement.to_owned()));
        let done = statement.execute(&mut self.connect().await).await;
        done.expect("the statement of a test runs").rows_affected()
    }

    /// What opens it, with the real time and the fixed master key of all tests.
    pub fn options(&self) -> StoreOptions {
        options(self.address.clone())
    }

    /// Opens it.
    pub async fn open(&self) -> Store {
        let opened = Store::open(self.options()).await;
        opened.expect("a fresh database opens")
    }
}

/// What opens the database at an address, with the real time and the fixed master key.
pub fn options(database: DatabaseAddress) -> StoreOptions {
    StoreOptions {
        database,
        master_key: master_key(),
        clock: Arc::new(RealClock::default()),
        entropy: Arc::new(RealEntropy),
        sharing: Sharing::Shared,
        wait_for_database: Duration::ZERO,
        expected: Expected::default(),
    }
}

/// The master key of all test databases.
pub fn master_key() -> MasterKey {
    let text = Secret::new("5a".repeat(32));
    MasterKey::load(&PathBuf::new(), Some(&text)).expect("the fixed master key is well-formed")
}
