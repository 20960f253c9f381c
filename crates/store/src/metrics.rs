//! What servers measured: kept for seven days, the older the coarser.
//!
//! A row holds the measurements of a span of time, so that ten thousand servers are ten thousand
//! rows a minute and not sixty thousand. Writes are split into parts, which other writes come
//! between.

mod fold;
mod packed;
mod prune;
mod read;
mod seen;

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{HostChecks, Resolution, ServerId, Timestamp};
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::sql_of_literals;
use crate::store::Store;
use crate::writer::{Work, Write};

/// Rows in one statement: five values each, below the 32,766 that SQLite binds.
const STATEMENT: usize = 200;
/// Rows in one transaction.
const TRANSACTION: usize = 1000;

/// The measurements of one server in one span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsRow {
    /// The server.
    pub server: ServerId,
    /// How fine they are.
    pub resolution: Resolution,
    /// When the span begins; a minute, or ten for those that are coarse.
    pub at: Timestamp,
    /// The measurements, the oldest first.
    pub points: Vec<HostChecks>,
}

/// The span of a row: one minute of fine measurements, or ten minutes.
const fn span(resolution: Resolution) -> Duration {
    match resolution {
        Resolution::Fine => Duration::from_mins(1),
        Resolution::Minute | Resolution::TenMinutes => Duration::from_mins(10),
    }
}

struct RecordMetrics(Vec<MetricsRow>);

impl Write for RecordMetrics {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        for rows in self.0.chunks(STATEMENT) {
            let connection = work.connection().await?;
            insert(connection, rows).await?;
            seen::note(connection, rows).await?;
        }
        Ok(())
    }
}

/// Inserts rows; of two for the same span, the one with more answers stays. Rows of servers that
/// are gone are left out.
async fn insert(connection: &mut AnyConnection, rows: &[MetricsRow]) -> Result<(), StoreError> {
    let mut statement = sql_of_literals(insert_text(rows.len()));
    for row in rows {
        let answered: i64 = row.points.iter().map(|point| i64::from(point.ok)).sum();
        statement = statement
            .bind(row.server)
            .bind(row.resolution.seconds())
            .bind(row.at)
            .bind(answered)
            .bind(packed::pack(row.at, &row.points));
    }
    statement.execute(connection).await?;
    Ok(())
}

/// `WHERE true` keeps SQLite from reading `ON CONFLICT` as part of the join.
fn insert_text(rows: usize) -> String {
    let values: Vec<String> = (0..rows)
        .map(|row| {
            let first = row * 5 + 1;
            let [two, three, four, five] = [first + 1, first + 2, first + 3, first + 4];
            format!("(${first}, ${two}, ${three}, ${four}, ${five})")
        })
        .collect();
    format!(
        "INSERT INTO server_metrics (server_id, resolution, at, answered, points)
         WITH new (server_id, resolution, at, answered, points) AS (VALUES {})
         SELECT new.server_id, new.resolution, new.at, new.answered, new.points
         FROM new JOIN servers ON servers.id = new.server_id WHERE true
         ON CONFLICT (server_id, resolution, at) DO UPDATE SET
             answered = excluded.answered, points = excluded.points
         WHERE excluded.answered >= server_metrics.answered",
        values.join(", ")
    )
}

impl Store {
    /// Records what servers measured, and that those which answered were seen, in transactions of
    /// a thousand rows. Not audited.
    #[boxed]
    pub async fn record_metrics(&self, rows: Vec<MetricsRow>) -> Result<(), StoreError> {
        let mut rows = rows;
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(TRANSACTION));
            self.write(RecordMetrics(rows)).await?;
            rows = rest;
        }
        Ok(())
    }
}
