use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::io;
use std::sync::{Arc, Mutex};

use reoclo_domain::{Clock, EXIT_NOT_RUN, OperationId, counted};
use reoclo_wire::proto::Finished;
use reoclo_wire::proto::finished::State as EndState;
use reoclo_wire::proto::refused::Reason;
use tokio::sync::watch;

use super::Operation;
use super::forgotten::Forgotten;
use crate::mutex::lock;
use crate::spool::{Journal, Spool, StoredOutcome, Unended};

/// How much there may be at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Operations that run.
    pub(crate) running: usize,
    /// Operations that run or wait for their outcome to be acknowledged.
    pub(crate) known: usize,
}

/// Every operation that is known here.
pub(crate) struct Operations {
    spool: Spool,
    limits: Limits,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    running: watch::Sender<usize>,
}

#[derive(Default)]
struct Known {
    operations: HashMap<OperationId, Entry>,
    forgotten: Forgotten,
}

enum Entry {
    /// Running, or ended a moment ago.
    Live(Arc<Operation>),
    /// Ended, and on disk only.
    Stored,
}

/// Whether an operation was known before.
pub(crate) enum Admission {
    /// It is on disk and counted as running: whoever gets this runs it.
    New(Arc<Operation>),
    /// It runs or ran already.
    Known(Arc<Operation>),
}

/// Why an operation is not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl Operations {
    pub(crate) fn new(
        spool: Spool,
        ended: Vec<OperationId>,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let stored = ended.into_iter().map(|id| (id, Entry::Stored));
        Self {
            spool,
            limits,
            clock,
            known: Mutex::new(Known {
                operations: stored.collect(),
                forgotten: Forgotten::default(),
            }),
            running: watch::Sender::new(0),
        }
    }

    /// How many operations run.
    pub(crate) fn running(&self) -> watch::Receiver<usize> {
        self.running.subscribe()
    }

    /// Takes an operation over that another supervisor started: whoever gets this sees it through.
    pub(crate) fn take_over(&self, unended: &Unended) -> Arc<Operation> {
        let operation = Arc::new(Operation::taken_over(unended, &self.spool));
        let entry = Entry::Live(Arc::clone(&operation));
        lock(&self.known).operations.insert(unended.id, entry);
        self.running.send_modify(|running| *running += 1);
        operation
    }

    /// Has what a supervisor that has gone left be known here: what had ended, from now on; what
    /// may go on is the caller's to take over.
    pub(crate) fn adopt(&self, instance_id: &str) -> io::Result<Vec<Unended>> {
        let recovered = self.spool.recover_of(instance_id)?;
        let mut known = lock(&self.known);
        for id in recovered.ended {
            known.operations.entry(id).or_insert(Entry::Stored);
        }
        Ok(recovered.unended)
    }

    /// Finds an operation that runs or ran and was not forgotten.
    pub(crate) fn find(&self, id: OperationId) -> Option<Arc<Operation>> {
        let known = lock(&self.known);
        let entry = known.operations.get(&id)?;
        Some(self.open(id, entry))
    }

    /// Admits an operation at most once. `check` is asked only when the id is new: before anything
    /// is written, and again when the id is on disk, since a slow disk may have taken the time
    /// that was left to start.
    pub(crate) fn admit(
        &self,
        id: OperationId,
        check: impl Fn() -> Result<(), Refusal>,
    ) -> Result<Admission, Refusal> {
        let operation = match self.claim(id, &check)? {
            Admission::New(operation) => operation,
            known @ Admission::Known(_) => return Ok(known),
        };
        let begun = operation.journal().map_or(Ok(()), Journal::begin);
        if let Err(error) = begun {
            let message = format!("the server cannot write its spool: {error}");
            self.withdraw(&operation, &message);
            return Err(Refusal::new(Reason::Storage, message));
        }
        if let Err(refusal) = check() {
            self.spool.forget_started(id);
            self.withdraw(&operation, &refusal.message);
            return Err(refusal);
        }
        Ok(Admission::New(operation))
    }

    /// The operation has ended.
    pub(crate) fn finish(&self, operation: &Operation, finished: Finished) {
        operation.finish(finished);
        self.running.send_modify(|running| *running -= 1);
    }

    /// Moves an ended operation from memory to disk, unless it was forgotten meanwhile.
    pub(crate) fn store(&self, id: OperationId) {
        // Locked all the while: this is rare, and nothing may be forgotten half-way.
        let mut known = lock(&self.known);
        let Some(Entry::Live(operation)) = known.operations.get(&id) else {
            return;
        };
        let Some(finished) = operation.finished() else {
            return;
        };
        match self.write(operation, finished) {
            Ok(()) => drop(known.operations.insert(id, Entry::Stored)),
            Err(error) => tracing::warn!(%error, operation = %id, "cannot keep an outcome on disk"),
        }
    }

    /// Moves every ended operation to disk.
    pub(crate) fn store_all(&self) {
        for operation in self.live() {
            self.store(operation.id());
        }
    }

    /// Cancels every operation that runs.
    pub(crate) fn cancel_all(&self) {
        for operation in self.live() {
            operation.cancel();
        }
    }

    /// Forgets an operation that has ended.
    pub(crate) fn forget(&self, id: OperationId) {
        let mut known = lock(&self.known);
        let Slot::Occupied(slot) = known.operations.entry(id) else {
            return;
        };
        let stored = match slot.get() {
            Entry::Live(operation) if operation.finished().is_none() => return,
            // What was taken over may have output on disk.
            Entry::Live(operation) => operation.journal().is_none(),
            Entry::Stored => true,
        };
        slot.remove();
        known.forgotten.insert(id, self.clock.monotonic());
        drop(known);
        if stored {
            self.spool.forget(id);
        } else {
            self.spool.forget_started(id);
        }
    }

    fn claim(
        &self,
        id: OperationId,
        check: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<Admission, Refusal> {
        let mut known = lock(&self.known);
        if known.forgotten.contains(id) {
            let message = "the operation was run before and is forgotten";
            return Err(Refusal::new(Reason::Forgotten, message));
        }
        let known_count = known.operations.len();
        let slot = match known.operations.entry(id) {
            Slot::Vacant(slot) => slot,
            Slot::Occupied(slot) => return Ok(Admission::Known(self.open(id, slot.get()))),
        };
        check()?;
        self.check_room(known_count)?;
        let operation = Arc::new(Operation::new(id, &self.spool, &self.clock));
        slot.insert(Entry::Live(Arc::clone(&operation)));
        self.running.send_modify(|running| *running += 1);
        Ok(Admission::New(operation))
    }

    fn check_room(&self, known: usize) -> Result<(), Refusal> {
        if *self.running.borrow() >= self.limits.running {
            let message = format!(
                "no more than {} may run at a time",
                counted(self.limits.running, "operation")
            );
            return Err(Refusal::new(Reason::Busy, message));
        }
        if known >= self.limits.known {
            let message = "too many outcomes wait to be acknowledged";
            return Err(Refusal::new(Reason::Storage, message));
        }
        Ok(())
    }

    /// Takes a claim back: the operation did not start and may be tried again.
    fn withdraw(&self, operation: &Operation, message: &str) {
        lock(&self.known).operations.remove(&operation.id());
        // For whoever found it in the meantime.
        self.finish(
            operation,
            Finished {
                state: EndState::NotRun.into(),
                exit_code: EXIT_NOT_RUN,
                message: message.to_owned(),
                ..Finished::default()
            },
        );
    }

    fn write(&self, operation: &Operation, finished: &Finished) -> io::Result<()> {
        let mut stdout = lock(&operation.stdout);
        let mut stderr = lock(&operation.stderr);
        let outcome = StoredOutcome::new(finished, stdout.store(), stderr.store());
        self.spool.store(operation.id(), &outcome)?;
        let share = stdout.take_share() + stderr.take_share();
        self.spool.hand_over(operation.id(), share);
        Ok(())
    }

    fn open(&self, id: OperationId, entry: &Entry) -> Arc<Operation> {
        match entry {
            Entry::Live(operation) => Arc::clone(operation),
            Entry::Stored => Arc::new(Operation::stored(id, &self.spool)),
        }
    }

    fn live(&self) -> Vec<Arc<Operation>> {
        lock(&self.known)
            .operations
            .values()
            .filter_map(|entry| match entry {
                Entry::Live(operation) => Some(Arc::clone(operation)),
                Entry::Stored => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
