//! Taking out of stored operations what the rules of today would have hidden.
//!
//! Only what is a secret by its shape: the values that came with a command were never stored, so
//! they cannot be looked for. In output every byte is replaced by one, so that positions stay.

use async_recursion::async_recursion as boxed;
use reoclo_domain::OperationId;
use reoclo_domain::masking::{blot_shapes, masked_shapes};

use super::LogStream;
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

/// Operations that are looked at in one go.
const PAGE: i64 = 50;
/// A page ends early when so many bytes of output were looked at.
const MOST_BYTES: usize = 32 << 20;

/// What was found in some operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaskedOperations {
    /// How many were looked at.
    pub examined: u64,
    /// Those with something that is to be hidden.
    pub found: Vec<OperationId>,
    /// Where to go on; none at the end.
    pub next: Option<OperationId>,
}

/// The columns of an operation that people see.
struct Shown {
    id: OperationId,
    command: Option<String>,
    run_id: Option<String>,
    run_context: Option<String>,
    message: Option<String>,
    stdout: Option<Vec<u8>>,
    stderr: Option<Vec<u8>>,
}

/// A chunk of a log that has changed.
struct Chunk {
    stream: LogStream,
    position: i64,
    bytes: Vec<u8>,
}

struct Replace {
    shown: Shown,
    chunks: Vec<Chunk>,
}

impl Write for Replace {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        let shown = &self.shown;
        let connection = work.connection().await?;
        sql(
            "UPDATE operations SET command = $2, run_id = $3, run_context = $4, message = $5,
                 stdout = $6, stderr = $7
             WHERE id = $1 AND state <> 'running'",
        )
        .bind(shown.id)
        .bind(shown.command.as_deref())
        .bind(shown.run_id.as_deref())
        .bind(shown.run_context.as_deref())
        .bind(shown.message.as_deref())
        .bind(shown.stdout.as_deref())
        .bind(shown.stderr.as_deref())
        .execute(&mut *connection)
        .await?;
        for chunk in &self.chunks {
            sql("UPDATE operation_logs SET bytes = $4
                 WHERE operation_id = $1 AND stream = $2 AND position = $3")
            .bind(shown.id)
            .bind(chunk.stream.number())
            .bind(chunk.position)
            .bind(chunk.bytes.as_slice())
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

impl Store {
    /// Looks at some ended operations behind `after`, of all organizations and in the order of
    /// their ids, for what is a secret by its shape; hides it when `apply` says so. Not audited.
    #[boxed]
    pub async fn mask_operations(
        &self,
        after: Option<OperationId>,
        apply: bool,
    ) -> Result<MaskedOperations, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let page = sql(
            "SELECT id, command, run_id, run_context, message, stdout, stderr
             FROM operations WHERE id > $1 AND state <> 'running' ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .all(&mut self.reader().await?, Shown::read)
        .await?;
        let is_last = i64::try_from(page.len()).is_ok_and(|count| count < PAGE);
        let mut masked = MaskedOperations::default();
        let mut bytes = 0;
        for mut shown in page {
            let id = shown.id;
            let (chunks, read) = self.masked_log(id).await?;
            bytes += read;
            if shown.mask() || !chunks.is_empty() {
                masked.found.push(id);
                if apply {
                    self.write(Replace { shown, chunks }).await?;
                }
            }
            masked.examined += 1;
            masked.next = Some(id);
            if bytes > MOST_BYTES {
                return Ok(masked);
            }
        }
        if is_last {
            masked.next = None;
        }
        Ok(masked)
    }

    /// The chunks of an operation's log that change, and how many bytes were looked at.
    async fn masked_log(&self, id: OperationId) -> Result<(Vec<Chunk>, usize), StoreError> {
        let mut changed = Vec::new();
        let mut read = 0;
        for stream in LogStream::ALL {
            let chunks = sql("SELECT position, bytes FROM operation_logs
                 WHERE operation_id = $1 AND stream = $2 ORDER BY position")
            .bind(id)
            .bind(stream.number())
            .all(&mut self.reader().await?, |row| {
                Ok((row.get("position")?, row.get::<Vec<u8>>("bytes")?))
            })
            .await?;
            read += chunks.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
            // A secret may be cut in two by the end of a chunk.
            let mut all: Vec<u8> = Vec::new();
            for (_, bytes) in &chunks {
                all.extend_from_slice(bytes);
            }
            if !blot_shapes(&mut all) {
                continue;
            }
            let mut rest = all.as_slice();
            for (position, before) in chunks {
                let (now, behind) = rest.split_at(before.len());
                rest = behind;
                if now != before {
                    changed.push(Chunk {
                        stream,
                        position,
                        bytes: now.to_vec(),
                    });
                }
            }
        }
        Ok((changed, read))
    }
}

impl Shown {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            command: row.get("command")?,
            run_id: row.get("run_id")?,
            run_context: row.get("run_context")?,
            message: row.get("message")?,
            stdout: row.get("stdout")?,
            stderr: row.get("stderr")?,
        })
    }

    /// Says whether anything changed.
    fn mask(&mut self) -> bool {
        let mut changed = false;
        for text in [
            &mut self.command,
            &mut self.run_id,
            &mut self.run_context,
            &mut self.message,
        ] {
            let Some(before) = text.take() else { continue };
            let now = masked_shapes(&before);
            changed |= now != before;
            *text = Some(now);
        }
        for output in [&mut self.stdout, &mut self.stderr] {
            changed |= output.as_mut().is_some_and(|bytes| blot_shapes(bytes));
        }
        changed
    }
}
