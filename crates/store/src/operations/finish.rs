//! The end of an operation.

use async_recursion::async_recursion as boxed;
use reoclo_domain::OperationId;
use reoclo_domain::masking::masked_shapes;
use sqlx::AnyConnection;

use super::{LogEnd, OperationOutcome, log};
use crate::audit::NewAuditEvent;
use crate::error::StoreError;
use crate::sql::{Changed, sql};
use crate::store::Store;
use crate::writer::{Work, Write};

#[derive(Clone)]
struct FinishOperation {
    id: OperationId,
    outcome: OperationOutcome,
    log: LogEnd,
    events: Vec<NewAuditEvent>,
    /// It has not ended yet, as far as anybody knows: then nothing has to be asked first.
    expects_change: bool,
}

impl Write for FinishOperation {
    type Output = Changed;

    async fn apply(&self, work: &mut Work<'_>) -> Result<Changed, StoreError> {
        let outcome = &self.outcome;
        let finish = sql(
            "UPDATE operations SET state = $2, code = $3, message = $4, exit_code = $5,
                 signal = $6, duration_us = $7, stdout = $8, stdout_total = $9,
                 stdout_truncated = $10, stderr = $11, stderr_total = $12,
                 stderr_truncated = $13, completed_at = $14, left_running = $15,
                 still_held = $16, sealed_payload = NULL
             WHERE id = $1 AND state = 'running'",
        )
        .bind(self.id)
        .bind(outcome.state.as_str())
        .bind(outcome.code.as_deref())
        .bind(outcome.message.as_deref())
        .bind(outcome.exit_code)
        .bind(outcome.signal)
        .bind(outcome.duration_us)
        .bind(outcome.stdout.bytes.as_slice())
        .bind(outcome.stdout.total)
        .bind(outcome.stdout.truncated)
        .bind(outcome.stderr.bytes.as_slice())
        .bind(outcome.stderr.total)
        .bind(outcome.stderr.truncated)
        .bind(outcome.completed_at)
        .bind(outcome.left_running)
        .bind(outcome.still_held);
        if self.log.is_empty() && self.expects_change {
            work.audit(&self.events);
            return Ok(work.defer_required(finish));
        }
        let changed = work.defer(finish);
        let connection = work.connection().await?;
        if changed.rows() > 0 {
            self.store_log(connection).await?;
            work.audit(&self.events);
        }
        Ok(changed)
    }
}

impl FinishOperation {
    async fn store_log(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let at = self.outcome.completed_at;
        log::insert(connection, self.id, &self.log.chunks, at).await?;
        for part in &self.log.dropped {
            log::drop_between(connection, self.id, *part).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Records how an operation ended, in a terminal state, and erases its payload. `false` when
    /// it had ended already or is unknown: then nothing is written, and nothing is audited.
    #[boxed]
    pub async fn finish_operation(
        &self,
        id: OperationId,
        outcome: OperationOutcome,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        let log = LogEnd::default();
        self.finish_operation_with_log(id, outcome, log, events)
            .await
    }

    /// The same, with what is left of its full log.
    #[boxed]
    pub async fn finish_operation_with_log(
        &self,
        id: OperationId,
        mut outcome: OperationOutcome,
        log: LogEnd,
        events: Vec<NewAuditEvent>,
    ) -> Result<bool, StoreError> {
        outcome.message = outcome.message.as_deref().map(masked_shapes);
        debug_assert!(outcome.state.is_terminal(), "an outcome ends the operation");
        let mut write = FinishOperation {
            id,
            outcome,
            log,
            events,
            expects_change: true,
        };
        let changed = match self.write(write.clone()).await {
            Err(StoreError::Unavailable(fault)) if !fault.is_of_an_outage() => {
                write.expects_change = false;
                self.write(write).await
            }
            written => written,
        };
        changed.map(|changed| changed.rows() > 0)
    }
}
