//! Databases on the server that `cargo xtask test` starts.

use std::env;
use std::str::FromStr;
use std::thread;

use reoclo_domain::{Entropy, Secret};
use reoclo_store::{DatabaseAddress, Store, schema_fingerprint};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};
use tokio::sync::OnceCell;

use crate::RealEntropy;

/// Any number; it keeps two processes from making the template at the same time.
const TEMPLATE_LOCK: i64 = 0x7265_6f63_6c6f;

/// A database that is dropped with this value.
pub(super) struct Temporary {
    name: String,
}

impl Temporary {
    pub(super) fn address(&self) -> DatabaseAddress {
        address(&self.name)
    }
}

impl Drop for Temporary {
    /// In a thread of its own, since the runtime that the test ran in may be on its way out.
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.expect("a runtime starts");
            runtime.block_on(async { execute(&mut admin().await, drop).await });
        });
        let _ = dropping.join();
    }
}

pub(super) async fn empty() -> Temporary {
    let database = Temporary { name: new_name() };
    let create = format!("CREATE DATABASE {}", database.name);
    execute(&mut admin().await, create).await;
    database
}

pub(super) async fn copy_of_template() -> Temporary {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(make_template).await;
    let database = Temporary { name: new_name() };
    let create = format!("CREATE DATABASE {} TEMPLATE {template}", database.name);
    execute(&mut admin().await, create).await;
    database
}

/// Makes the template unless another process has; its name changes with the tables.
async fn make_template() -> String {
    let name = format!("reoclo_template_{}", schema_fingerprint());
    let mut admin = admin().await;
    execute(
        &mut admin,
        format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})"),
    )
    .await;
    let found = format!("SELECT COUNT(*) FROM pg_database WHERE datname = '{name}'");
    let found = sqlx::query(AssertSqlSafe(found))
        .fetch_one(&mut admin)
        .await;
    let found: i64 = found.expect("PostgreSQL lists its databases").get(0);
    if found == 0 {
        let unfinished = format!("{name}_unfinished");
        execute(&mut admin, format!("DROP DATABASE IF EXISTS {unfinished}")).await;
        execute(&mut admin, format!("CREATE DATABASE {unfinished}")).await;
        let store = Store::open(super::options(address(&unfinished))).await;
        store.expect("an empty database is migrated").close().await;
        execute(
            &mut admin,
            format!("ALTER DATABASE {unfinished} RENAME TO {name}"),
        )
        .await;
    }
    // Closing the connection frees the lock.
    let _ = admin.close().await;
    name
}

fn new_name() -> String {
    let mut random = [0; 8];
    RealEntropy.fill(&mut random);
    format!("reoclo_test_{:016x}", u64::from_le_bytes(random))
}

fn server() -> PgConnectOptions {
    let url = env::var("REOCLO_TEST_POSTGRES_URL").expect(
        "REOCLO_TEST_POSTGRES_URL is not set: run `cargo xtask test`, which starts a PostgreSQL",
    );
    PgConnectOptions::from_str(&url).expect("REOCLO_TEST_POSTGRES_URL is a PostgreSQL URL")
}

fn address(database: &str) -> DatabaseAddress {
    let url = server().database(database).to_url_lossy();
    DatabaseAddress::Postgres(Secret::new(url.to_string()))
}

async fn admin() -> PgConnection {
    let connected = PgConnection::connect_with(&server()).await;
    connected.expect("PostgreSQL answers at REOCLO_TEST_POSTGRES_URL")
}

async fn execute(connection: &mut PgConnection, statement: String) {
    let done = sqlx::query(AssertSqlSafe(statement))
        .execute(connection)
        .await;
    done.expect("PostgreSQL does what the fixture needs");
}
