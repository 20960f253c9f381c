//! A transaction, and what goes with it.

use std::mem::take;

use sqlx::AnyConnection;

use crate::audit::NewAuditEvent;
use crate::cache::Effect;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::sql::{Batch, Changed, Sending, Statement, sql};

/// A transaction that is being written.
pub(crate) struct Work<'c> {
    is_alone: bool,
    /// Something that belongs to a transaction was sent.
    is_open: bool,
    connection: &'c mut AnyConnection,
    /// Not sent yet; the first of all is what begins the transaction.
    waiting: Batch,
    sending: Sending,
    /// Appended to the audit log before the commit.
    events: Vec<NewAuditEvent>,
    /// Applied to the cache after it.
    effects: Vec<Effect>,
}

impl<'c> Work<'c> {
    /// A transaction for so many writes. `is_alone` when no other process writes.
    pub(crate) fn begin(
        engine: Engine,
        connection: &'c mut AnyConnection,
        writes: usize,
        is_alone: bool,
    ) -> Self {
        let mut waiting = Batch::default();
        waiting.push_bracket(sql(engine.begin_to_write()));
        Self {
            is_alone,
            is_open: false,
            connection,
            waiting,
            sending: engine.sending(writes),
            events: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Whether no other process writes.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// The connection, within the transaction, for statements whose answer is needed at once.
    pub(crate) async fn connection(&mut self) -> Result<&mut AnyConnection, StoreError> {
        self.send().await?;
        Ok(self.connection)
    }

    /// Has a statement sent with those after it. An error of it fails the whole transaction.
    pub(crate) fn defer(&mut self, statement: Statement) -> Changed {
        self.waiting.push(statement)
    }

    /// The same for a statement without whose change the transaction fails.
    pub(crate) fn defer_required(&mut self, statement: Statement) -> Changed {
        self.waiting.push_required(statement)
    }

    /// Has the events appended to the audit log in the same transaction.
    pub(crate) fn audit(&mut self, events: &[NewAuditEvent]) {
        self.events.extend_from_slice(events);
    }

    /// How many events the audit log is told so far.
    pub(crate) fn audited(&self) -> usize {
        self.events.len()
    }

    /// Has the cache changed after the commit and before the answer.
    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    pub(super) fn take_events(&mut self) -> Vec<NewAuditEvent> {
        take(&mut self.events)
    }

    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        take(&mut self.effects)
    }

    /// Commits, with what still waits. After an error the transaction may be open, undone, or
    /// committed.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        self.waiting.push_bracket(sql("COMMIT"));
        if self.waiting.is_single(self.sending) {
            return self.waiting.send(self.connection, self.sending).await;
        }
        self.send().await
    }

    /// Undoes a transaction that is open; an error when there is none any more.
    pub(super) async fn roll_back(self) -> Result<(), StoreError> {
        if !self.is_open {
            return Ok(());
        }
        sql("ROLLBACK").execute(self.connection).await.map(drop)
    }

    async fn send(&mut self) -> Result<(), StoreError> {
        self.is_open = true;
        self.waiting.send(self.connection, self.sending).await
    }
}
