//! The full output of operations, in chunks beside their rows.

mod prune;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, OrganizationId, Timestamp};
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

/// One of the two streams that a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl LogStream {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// The stream's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
        }
    }
}

/// A part of an operation's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogChunk {
    /// Which stream it is of.
    pub stream: LogStream,
    /// Where in the stream it stands.
    pub position: i64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What becomes of an operation's log when the operation ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEnd {
    /// What was not stored yet.
    pub chunks: Vec<LogChunk>,
    /// The parts of each stream that are not kept, from and to.
    pub dropped: Vec<(LogStream, i64, i64)>,
}

impl LogEnd {
    /// Whether there is nothing to store.
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.dropped.is_empty()
    }
}

struct Append {
    id: OperationId,
    chunks: Vec<LogChunk>,
    at: Timestamp,
}

impl Write for Append {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        insert(work.connection().await?, self.id, &self.chunks, self.at).await
    }
}

/// Stores chunks; one that is there already is the same, and stays.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    id: OperationId,
    chunks: &[LogChunk],
    at: Timestamp,
) -> Result<(), StoreError> {
    for chunk in chunks {
        sql(
            "INSERT INTO operation_logs (operation_id, stream, position, length, created_at, bytes)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (operation_id, stream, position) DO NOTHING",
        )
        .bind(id)
        .bind(chunk.stream.number())
        .bind(chunk.position)
        .bind(i64::try_from(chunk.bytes.len()).unwrap_or(i64::MAX))
        .bind(at)
        .bind(chunk.bytes.as_slice())
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Removes the chunks that lie wholly within a part.
pub(super) async fn drop_between(
    connection: &mut AnyConnection,
    id: OperationId,
    (stream, from, to): (LogStream, i64, i64),
) -> Result<(), StoreError> {
    sql(
        "DELETE FROM operation_logs WHERE operation_id = $1 AND stream = $2
             AND position >= $3 AND position + length <= $4",
    )
    .bind(id)
    .bind(stream.number())
    .bind(from)
    .bind(to)
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Adds to the log of an operation that runs. Not audited.
    #[boxed]
    pub async fn append_operation_log(
        &self,
        id: OperationId,
        chunks: Vec<LogChunk>,
    ) -> Result<(), StoreError> {
        let at = self.clock().now();
        self.write(Append { id, chunks, at }).await
    }

    /// The stored chunk that holds the byte at `position`, or else the first one behind it.
    #[boxed]
    pub async fn operation_log(
        &self,
        organization: OrganizationId,
        id: OperationId,
        stream: LogStream,
        position: i64,
    ) -> Result<Option<LogChunk>, StoreError> {
        let row = sql("SELECT position, bytes FROM operation_logs
             WHERE operation_id = $1 AND stream = $2 AND position + length > $3
               AND EXISTS (SELECT 1 FROM operations WHERE id = $1 AND organization_id = $4)
             ORDER BY position LIMIT 1")
        .bind(id)
        .bind(stream.number())
        .bind(position)
        .bind(organization)
        .optional(&mut self.reader().await?)
        .await?;
        row.map(|row| chunk(&row, stream)).transpose()
    }

    /// Up to where an operation's stream is stored; 0 when nothing of it is.
    #[boxed]
    pub async fn operation_log_end(
        &self,
        organization: OrganizationId,
        id: OperationId,
        stream: LogStream,
    ) -> Result<i64, StoreError> {
        let row = sql(
            "SELECT CAST(COALESCE(MAX(position + length), 0) AS BIGINT) AS log_end
             FROM operation_logs WHERE operation_id = $1 AND stream = $2
               AND EXISTS (SELECT 1 FROM operations WHERE id = $1 AND organization_id = $3)",
        )
        .bind(id)
        .bind(stream.number())
        .bind(organization)
        .one(&mut self.reader().await?)
        .await?;
        row.get("log_end")
    }
}

fn chunk(row: &Record, stream: LogStream) -> Result<LogChunk, StoreError> {
    Ok(LogChunk {
        stream,
        position: row.get("position")?,
        bytes: row.get("bytes")?,
    })
}
