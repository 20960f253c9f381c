//! When servers were last seen: a runner that answers is there.

use std::collections::BTreeMap;

use reoclo_domain::{ServerId, Timestamp};
use sqlx::AnyConnection;

use super::MetricsRow;
use crate::error::StoreError;
use crate::sql::sql_of_literals;

/// Notes the last answer of each server in the rows, unless a later one is noted.
pub(super) async fn note(
    connection: &mut AnyConnection,
    rows: &[MetricsRow],
) -> Result<(), StoreError> {
    let mut last: BTreeMap<ServerId, Timestamp> = BTreeMap::new();
    for row in rows {
        let answers = row.points.iter().filter(|point| point.ok > 0);
        if let Some(at) = answers.map(|point| point.at).max() {
            let known = last.entry(row.server).or_insert(at);
            *known = at.max(*known);
        }
    }
    if last.is_empty() {
        return Ok(());
    }
    let statement = sql_of_literals(update_text(last.len()));
    let statement = last.into_iter().fold(statement, |statement, (server, at)| {
        statement.bind(server).bind(at)
    });
    statement.execute(connection).await?;
    Ok(())
}

fn update_text(servers: usize) -> String {
    let values: Vec<String> = (0..servers)
        .map(|server| format!("(${}, ${})", server * 2 + 1, server * 2 + 2))
        .collect();
    format!(
        "WITH seen (server_id, at) AS (VALUES {})
         UPDATE servers SET last_seen_at = seen.at FROM seen
         WHERE servers.id = seen.server_id AND servers.last_seen_at < seen.at",
        values.join(", ")
    )
}
