//! Operations as rows.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, OperationState, OrganizationId, escaped};

use super::{NewOperation, OperationOutcome, OperationRecord, Tail};
use crate::audit::{Actor, stored_source};
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;

/// Characters of a message; a longer one was stored by an earlier version.
const MOST_OF_A_MESSAGE: usize = 8192;

impl NewOperation {
    /// What was begun.
    pub(super) fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            organization: row.get("organization_id")?,
            server: row.get("server_id")?,
            server_name: row.get("server_name")?,
            kind: row.get("kind")?,
            starter: Actor {
                kind: row.get("starter_kind")?,
                id: row.get("starter_id")?,
                label: row.get("starter_label")?,
            },
            via: stored_source(row)?,
            command: row.get("command")?,
            timeout_seconds: row.get("timeout_seconds")?,
            run_id: row.get("run_id")?,
            run_context: row.get("run_context")?,
            boot_id: row.get("boot_id")?,
            instance_id: row.get("instance_id")?,
            created_at: row.get("created_at")?,
            queued_at: row.get("queued_at")?,
        })
    }
}

/// Whether a record is read with its output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    /// With the end of each stream.
    Kept,
    /// Without; the query need not have these columns.
    LeftOut,
}

impl OperationRecord {
    pub(super) fn read(row: &Record, output: Output) -> Result<Self, StoreError> {
        let begun = NewOperation::read(row)?;
        let state: OperationState = row.get("state")?;
        let outcome = state
            .is_terminal()
            .then(|| OperationOutcome::read(row, state, output));
        Ok(Self {
            id: begun.id,
            organization: begun.organization,
            server: begun.server,
            server_name: begun.server_name,
            kind: begun.kind,
            starter: begun.starter,
            via: begun.via,
            command: begun.command,
            timeout_seconds: begun.timeout_seconds,
            run_id: begun.run_id,
            run_context: begun.run_context,
            boot_id: begun.boot_id,
            instance_id: begun.instance_id,
            created_at: begun.created_at,
            state,
            outcome: outcome.transpose()?,
            is_queued: !state.is_terminal()
                && begun.queued_at.is_some()
                && row
                    .get::<Option<reoclo_domain::Timestamp>>("dequeued_at")?
                    .is_none(),
            cancel_requested_at: row.get("cancel_requested_at")?,
        })
    }
}

impl OperationOutcome {
    fn read(row: &Record, state: OperationState, output: Output) -> Result<Self, StoreError> {
        let signal: Option<i64> = row.get("signal")?;
        Ok(Self {
            state,
            code: row.get("code")?,
            message: message(row)?,
            exit_code: row.get("exit_code")?,
            signal: signal.and_then(|signal| i32::try_from(signal).ok()),
            duration_us: row.get("duration_us")?,
            left_running: row.get("left_running")?,
            still_held: row.get("still_held")?,
            stdout: Tail::read(row, ["stdout", "stdout_total", "stdout_truncated"], output)?,
            stderr: Tail::read(row, ["stderr", "stderr_total", "stderr_truncated"], output)?,
            completed_at: row.get("completed_at")?,
        })
    }
}

/// What a runner said may have been stored before such texts were bounded and escaped.
fn message(row: &Record) -> Result<Option<String>, StoreError> {
    let stored: Option<String> = row.get("message")?;
    Ok(stored.map(|message| escaped(&message, MOST_OF_A_MESSAGE)))
}

impl Tail {
    fn read(row: &Record, columns: [&'static str; 3], output: Output) -> Result<Self, StoreError> {
        let [bytes, total, truncated] = columns;
        Ok(Self {
            bytes: match output {
                Output::Kept => row.get(bytes)?,
                Output::LeftOut => Vec::new(),
            },
            total: row.get(total)?,
            truncated: row.get(truncated)?,
        })
    }
}

impl Store {
    /// One operation of the organization.
    #[boxed]
    pub async fn operation(
        &self,
        organization: OrganizationId,
        id: OperationId,
    ) -> Result<Option<OperationRecord>, StoreError> {
        let row = sql("SELECT operations.*, servers.name AS server_name
             FROM operations JOIN servers ON servers.id = operations.server_id
             WHERE operations.id = $1 AND operations.organization_id = $2")
        .bind(id)
        .bind(organization)
        .optional(&mut self.reader().await?)
        .await?;
        row.as_ref()
            .map(|row| OperationRecord::read(row, Output::Kept))
            .transpose()
    }
}
