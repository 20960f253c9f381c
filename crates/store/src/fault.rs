//! What an error of the driver means.

use sqlx::error::DatabaseError;

use crate::error::{Conflict, FaultCause, StoreError};
use crate::schema::{UNIQUE_INDEXES, UniqueIndex};

/// What an error of the driver means for the caller.
pub(crate) fn fault(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(refusal) => match conflict(refusal.as_ref()) {
            Some(conflict) => conflict.into(),
            None if is_division_by_zero(refusal.as_ref()) => {
                StoreError::unavailable(FaultCause::Unchanged)
            }
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

fn conflict(refusal: &dyn DatabaseError) -> Option<Conflict> {
    if refusal.is_foreign_key_violation() {
        return Some(Conflict::Missing);
    }
    if !refusal.is_unique_violation() {
        return None;
    }
    let broken = UNIQUE_INDEXES
        .iter()
        .find(|index| is_broken(index, refusal));
    Some(broken.map_or(Conflict::Exists, UniqueIndex::taken))
}

/// PostgreSQL names the index. SQLite names its columns, or the index when it is one of an
/// expression (https://sqlite.org/src/file/src/build.c, `sqlite3UniqueConstraint`).
fn is_broken(index: &UniqueIndex, refusal: &dyn DatabaseError) -> bool {
    if let Some(name) = refusal.constraint() {
        return name == index.name;
    }
    let said = refusal.message();
    let said = said.strip_prefix("UNIQUE constraint failed: ");
    let columns = index.columns.iter();
    let columns: Vec<String> = columns
        .map(|column| format!("{}.{column}", index.table))
        .collect();
    said == Some(&columns.join(", ")) || said == Some(&format!("index '{}'", index.name))
}

/// How a statement of several parts fails when one of them did not change what it had to.
fn is_division_by_zero(refusal: &dyn DatabaseError) -> bool {
    refusal.code().is_some_and(|code| code == "22012")
}

/// Whether a value is at fault, and not the database or the way to it: PostgreSQL's classes 22
/// (data exception) and 54 (limit exceeded) and its NOT NULL and CHECK violations, and SQLite's
/// of that kind (<https://sqlite.org/rescode.html>). SQLite's NOT NULL is not among
/// them: `REFUSE_UNLESS_CHANGED` is one.
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
