//! The tables, brought to this version when the store is opened.

use std::borrow::Cow;

use reoclo_domain::hex;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, SqlSafeStr};

use crate::engine::Engine;
use crate::error::{FaultCause, OpenError, StoreError, is_malformed};
use crate::schema::MIGRATIONS;
use crate::sql::sql;

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
pub(crate) async fn run(engine: Engine, connection: &mut AnyConnection) -> Result<(), OpenError> {
    match migrate(engine, connection).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(migration)) => Err(newer(connection, migration).await),
        Err(other) => {
            let cause = FaultCause::from(sqlx::Error::from(other));
            Err(OpenError::Migrate(cause.into()))
        }
    }
}

async fn migrate(engine: Engine, connection: &mut AnyConnection) -> Result<(), MigrateError> {
    let migrator = Migrator::with_migrations(MIGRATIONS.iter().map(migration).collect());
    match engine {
        Engine::Postgres => {
            migrator.run_direct(None, &mut *connection, false).await?;
            note_program(connection).await
        }
        Engine::Sqlite => {
            let mut transaction = engine.begin(connection).await?;
            migrator.run_direct(None, &mut *transaction, false).await?;
            note_program(&mut transaction).await?;
            Ok(transaction.commit().await?)
        }
    }
}

/// Says by which version the tables were brought to where they are, unless that is known.
async fn note_program(connection: &mut AnyConnection) -> Result<(), MigrateError> {
    let last = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
    let note = "INSERT INTO programs (migration, version) VALUES ($1, $2)
                ON CONFLICT (migration) DO NOTHING";
    let note = sqlx::query(note).bind(last).bind(env!("CARGO_PKG_VERSION"));
    note.execute(connection).await?;
    Ok(())
}

/// Tells which version to use with tables that have a migration which this one does not know.
async fn newer(connection: &mut AnyConnection, migration: i64) -> OpenError {
    let program = sql("SELECT version FROM programs ORDER BY migration DESC LIMIT 1")
        .optional(connection)
        .await;
    let program = program.ok().flatten();
    OpenError::Newer {
        migration,
        program: program.and_then(|row| row.get("version").ok()),
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
        Some(version) => Err(newer(connection, *version).await),
        None if applied.len() < MIGRATIONS.len() => Err(OpenError::Older),
        None => Ok(()),
    }
}
