//! Writing the audit log out.

mod live;

pub use live::AuditExport;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Timestamp, hex};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::audit::entry::{self, LinkedEntry};
use crate::audit::{AuditReader, Checkpoint, head};
use crate::error::StoreError;

/// Rows read at a time: bounds the memory.
const PAGE: i64 = 200;

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] StoreError),
    /// Writing failed.
    #[error("the export cannot be written")]
    Write(#[from] std::io::Error),
}

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportReport {
    /// How many rows.
    pub rows: i64,
    /// The checkpoints at the end of the export.
    pub checkpoints: Vec<Checkpoint>,
}

impl AuditReader {
    /// Writes JSON lines: every row, chain by chain, then one checkpoint for each chain, signed
    /// as of `now`. All of it is one snapshot.
    #[boxed]
    pub async fn export(
        &mut self,
        now: Timestamp,
        out: &mut (impl AsyncWrite + Unpin + Send),
    ) -> Result<ExportReport, ExportError> {
        let begun = self.engine.begin_snapshot(&mut self.connection).await;
        let mut snapshot = begun.map_err(StoreError::unavailable)?;
        let mut report = ExportReport {
            rows: 0,
            checkpoints: Vec::new(),
        };
        for stored in head::all(&mut *snapshot).await? {
            let head = stored.authentic(&self.master_key)?;
            report.rows += export_chain(&mut snapshot, &head.chain, out).await?;
            let id = self.instance.control_plane_id;
            let checkpoint = Checkpoint::sign(&head, now, id, &self.master_key)?;
            report.checkpoints.push(checkpoint);
        }
        for checkpoint in &report.checkpoints {
            write_line(out, &json!(checkpoint)).await?;
        }
        out.flush().await?;
        Ok(report)
    }
}

async fn export_chain(
    connection: &mut AnyConnection,
    chain: &str,
    out: &mut (impl AsyncWrite + Unpin + Send),
) -> Result<i64, ExportError> {
    let (mut seq, mut rows) = (0, 0);
    loop {
        let page = entry::after(chain, seq, PAGE)
            .all(connection, LinkedEntry::read)
            .await?;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        seq = last.entry.seq;
        for row in page {
            write_line(out, &line(row)).await?;
            rows += 1;
        }
    }
}

async fn write_line(
    out: &mut (impl AsyncWrite + Unpin + Send),
    line: &Value,
) -> Result<(), std::io::Error> {
    out.write_all(format!("{line}\n").as_bytes()).await
}

fn line(row: LinkedEntry) -> Value {
    let entry = row.entry;
    let detail = serde_json::from_str(&entry.detail).unwrap_or(Value::String(entry.detail));
    json!({
        "chain": entry.chain,
        "seq": entry.seq,
        "id": entry.id,
        "at": Timestamp::from_micros(entry.at),
        "actor_kind": entry.actor_kind,
        "actor_id": entry.actor_id,
        "actor_label": entry.actor_label,
        "ip": entry.ip,
        "user_agent": entry.user_agent,
        "request_id": entry.request_id,
        "action": entry.action,
        "resource_kind": entry.resource_kind,
        "resource_id": entry.resource_id,
        "resource_name": entry.resource_name,
        "outcome": entry.outcome,
        "detail": detail,
        "source": entry.source,
        "prev_hash": hex::encode(&row.prev_hash),
        "hash": hex::encode(&row.hash),
    })
}
