//! Operations: each started at most once, followed as often as wanted, kept until forgotten.

mod follow;
mod forgotten;
mod operations;
mod pace;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reoclo_domain::{Clock, OperationId};
use reoclo_wire::proto::Finished;
use reoclo_wire::proto::output::Stream;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub(crate) use follow::{Offsets, follow};
pub(crate) use operations::{Admission, Limits, Operations, Refusal};

use pace::Pace;

use crate::mutex::lock;
use crate::output::{Chunk, Layout, OutputLog};
use crate::spool::{Journal, Spool, StoredOutcome, Unended};

/// One operation: what it wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Operation {
    id: OperationId,
    stdout: Mutex<OutputLog>,
    stderr: Mutex<OutputLog>,
    finished: OnceLock<Finished>,
    /// There is more output, or the end.
    changed: Notify,
    /// Somebody wants it to end; kept for the one task that runs it.
    cancelled: Notify,
    pace: Pace,
    /// What is on disk of one that was started here.
    journal: Option<Journal>,
}

impl Operation {
    fn new(id: OperationId, spool: &Spool, clock: &Arc<dyn Clock>) -> Self {
        let operation = Self::with_logs(
            id,
            OutputLog::new(spool.stdout(id)),
            OutputLog::new(spool.stderr(id)),
        );
        Self {
            journal: Some(spool.journal(id, clock)),
            ..operation
        }
    }

    /// One that another supervisor started, with what is on disk of its output.
    fn taken_over(unended: &Unended, spool: &Spool) -> Self {
        let id = unended.id;
        Self::with_logs(
            id,
            OutputLog::stored(spool.stdout(id), unended.stdout),
            OutputLog::stored(spool.stderr(id), unended.stderr),
        )
    }

    /// One that has ended, as it is on disk.
    fn stored(id: OperationId, spool: &Spool) -> Self {
        let outcome = spool.load(id).unwrap_or_else(|error| {
            tracing::warn!(%error, operation = %id, "cannot read an outcome");
            let message = "the outcome cannot be read any more";
            StoredOutcome::lost(message, Layout::default(), Layout::default())
        });
        let operation = Self::with_logs(
            id,
            OutputLog::stored(spool.stdout(id), outcome.stdout),
            OutputLog::stored(spool.stderr(id), outcome.stderr),
        );
        let _ = operation.finished.set(outcome.finished());
        operation
    }

    fn with_logs(id: OperationId, stdout: OutputLog, stderr: OutputLog) -> Self {
        Self {
            id,
            stdout: Mutex::new(stdout),
            stderr: Mutex::new(stderr),
            finished: OnceLock::new(),
            changed: Notify::new(),
            cancelled: Notify::new(),
            pace: Pace::default(),
            journal: None,
        }
    }

    /// Where it is written down what runs.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    pub(crate) fn id(&self) -> OperationId {
        self.id
    }

    /// Takes masked output; followers hear of it with [`Self::announce`].
    pub(crate) fn append(&self, stream: Stream, bytes: Bytes) {
        lock(self.log(stream)).append(bytes);
    }

    /// Tells the followers that there is more.
    pub(crate) fn announce(&self) {
        self.changed.notify_waiters();
    }

    /// Waits a little for a follower that keeps up, so that it misses nothing.
    pub(crate) async fn keep_pace(&self, waited: &mut Duration, clock: &dyn Clock) {
        let written = lock(&self.stdout).len() + lock(&self.stderr).len();
        self.pace.keep(written, waited, clock).await;
    }

    /// The command has ended: what is left of its output waits for nobody.
    pub(crate) fn hurry(&self) {
        self.pace.end();
    }

    /// Asks for the end; says whether it had not come yet.
    pub(crate) fn cancel(&self) -> bool {
        self.cancelled.notify_one();
        self.finished.get().is_none()
    }

    /// Ends when somebody cancels the operation.
    pub(crate) async fn cancelled(&self) {
        self.cancelled.notified().await;
    }

    /// The end, with the lengths of what was written filled in.
    fn finish(&self, mut finished: Finished) {
        let stdout = lock(&self.stdout);
        let stderr = lock(&self.stderr);
        finished.stdout_bytes = stdout.len();
        finished.stderr_bytes = stderr.len();
        let _ = self.finished.set(finished);
        drop((stdout, stderr));
        self.announce();
    }

    fn finished(&self) -> Option<&Finished> {
        self.finished.get()
    }

    fn read(&self, stream: Stream, offset: u64) -> Option<Chunk> {
        lock(self.log(stream)).read(offset)
    }

    fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn log(&self, stream: Stream) -> &Mutex<OutputLog> {
        match stream {
            Stream::Stderr => &self.stderr,
            Stream::Stdout | Stream::Unspecified => &self.stdout,
        }
    }
}
