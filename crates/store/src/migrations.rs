//! The tables, brought to this version when the store is opened.

use std::borrow::Cow;

use reoclo_domain::hex;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, SqlSafeStr};

use crate::engine::{Engine, is_malformed};
use crate::error::{FaultCause, OpenError, StoreError};
use crate::sql::sql;

/// Every migration there ever was, in order; one that was released never changes.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("../migrations/0001_initial.sql")),
    (
        3,
        "audit index",
        include_str!("../migrations/0003_audit_index.sql"),
    ),
    (
        4,
        "rate windows",
        include_str!("../migrations/0004_rate_windows.sql"),
    ),
    (5, "people", include_str!("../migrations/0005_people.sql")),
    (
        6,
        "key use days",
        include_str!("../migrations/0006_key_use_days.sql"),
    ),
    (
        7,
        "registry credentials",
        include_str!("../migrations/0007_registry_credentials.sql"),
    ),
    (
        8,
        "operations",
        include_str!("../migrations/0008_operations.sql"),
    ),
    (
        9,
        "server metrics",
        include_str!("../migrations/0009_server_metrics.sql"),
    ),
    (
        10,
        "audit failures",
        include_str!("../migrations/0010_audit_failures.sql"),
    ),
    (
        11,
        "trusted networks",
        include_str!("../migrations/0011_trusted_networks.sql"),
    ),
    (
        12,
        "operation days",
        include_str!("../migrations/0012_operation_days.sql"),
    ),
    (
        13,
        "sign-ins",
        include_str!("../migrations/0013_sign_ins.sql"),
    ),
    (
        14,
        "invitations",
        include_str!("../migrations/0014_invitations.sql"),
    ),
    (
        20,
        "control plane key",
        include_str!("../migrations/0020_control_plane_key.sql"),
    ),
    (
        25,
        "control plane epoch",
        include_str!("../migrations/0025_control_plane_epoch.sql"),
    ),
    (
        34,
        "left running",
        include_str!("../migrations/0034_left_running.sql"),
    ),
    (
        37,
        "address sources",
        include_str!("../migrations/0037_address_sources.sql"),
    ),
    (
        40,
        "failures",
        include_str!("../migrations/0040_failures.sql"),
    ),
    (
        41,
        "key_origins",
        include_str!("../migrations/0041_key_origins.sql"),
    ),
    (
        42,
        "still_held",
        include_str!("../migrations/0042_still_held.sql"),
    ),
    (
        43,
        "audit source",
        include_str!("../migrations/0043_audit_source.sql"),
    ),
    (
        44,
        "operation source",
        include_str!("../migrations/0044_operation_source.sql"),
    ),
    (
        47,
        "server machines",
        include_str!("../migrations/0047_server_machines.sql"),
    ),
];

/// Names the tables that this version works with; changes with every migration.
pub fn schema_fingerprint() -> String {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for (_, _, text) in MIGRATIONS {
        digest.update(text.as_bytes());
    }
    hex::encode(&digest.finish().as_ref()[..8])
}

/// Brings the tables to this version. On PostgreSQL one opener at a time holds sqlx's advisory
/// lock; on SQLite the whole of it is one transaction that begins with the write lock.
///
/// `run_direct` is what `run` calls; the future of `run` itself cannot move between threads.
pub(crate) async fn run(
    engine: Engine,
    connection: &mut AnyConnection,
) -> Result<(), MigrateError> {
    let migrator = Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect());
    match engine {
        Engine::Postgres => migrator.run_direct(None, connection, false).await,
        Engine::Sqlite => {
            let mut transaction = engine.begin(connection).await?;
            migrator.run_direct(None, &mut *transaction, false).await?;
            Ok(transaction.commit().await?)
        }
    }
}

fn migration((version, name, text): &(i64, &'static str, &'static str)) -> Migration {
    let name = Cow::Borrowed(*name);
    Migration::new(
        *version,
        name,
        MigrationType::Simple,
        text.into_sql_str(),
        false,
    )
}

/// What a failed migration means for whoever starts the program.
pub(crate) fn open_error(error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(version) => OpenError::Newer(version),
        other => OpenError::Migrate(FaultCause::from(sqlx::Error::from(other)).into()),
    }
}

/// A database without the table is not Reoclo's. What cannot be read says so itself.
fn unreadable(error: StoreError, address: &str) -> OpenError {
    // "No such table" is SQLITE_ERROR on SQLite and undefined_table on PostgreSQL.
    match error.database_code().as_deref() {
        Some("1" | "42P01") => OpenError::Absent(address.to_owned()),
        Some(code) if is_malformed(code) => OpenError::Malformed(address.to_owned()),
        _ => OpenError::Read(error),
    }
}

/// Refuses a database that has other tables than this version knows; changes nothing.
pub(crate) async fn check(connection: &mut AnyConnection, address: &str) -> Result<(), OpenError> {
    let applied = sql("SELECT version FROM _sqlx_migrations ORDER BY version")
        .all(connection, |row| row.get("version"))
        .await
        .map_err(|error| unreadable(error, address))?;
    let known = |version: &i64| MIGRATIONS.iter().any(|(known, _, _)| known == version);
    match applied.iter().find(|version| !known(version)) {
        Some(version) => Err(OpenError::Newer(*version)),
        None if applied.len() < MIGRATIONS.len() => Err(OpenError::Older),
        None => Ok(()),
    }
}
