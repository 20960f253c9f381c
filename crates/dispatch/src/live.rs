//! Operations that this process sees through: what they have written, and what is asked of them.

mod pending;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationId, OrganizationId};
use reoclo_store::{LogChunk, LogEnd, LogStream, OperationOutcome, Tail};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};

use crate::tail::TailBuffer;
use pending::{HEAD, Pending, Piece, RING};

/// The most bytes that one look takes.
const LOOK: usize = 64 * 1024;

/// One operation that has not ended, or ended a moment ago.
#[derive(Debug)]
pub struct Live {
    organization: OrganizationId,
    streams: Mutex<Streams>,
    /// There is more output, or another state.
    changed: Notify,
    cancel: watch::Sender<bool>,
    outcome: watch::Sender<Option<Arc<OperationOutcome>>>,
}

#[derive(Debug)]
struct Streams {
    stdout: Stream,
    stderr: Stream,
    is_queued: bool,
}

#[derive(Debug)]
struct Stream {
    tail: TailBuffer,
    pending: Pending,
}

/// What a reader finds at a position.
#[derive(Debug, PartialEq, Eq)]
pub enum Excerpt {
    /// The bytes from there on.
    Bytes(Vec<u8>),
    /// It is not in memory any more; the first position behind it that is.
    Behind(u64),
    /// It was not written yet.
    Ahead,
}

impl Stream {
    fn behind(stored: u64) -> Self {
        Self {
            tail: TailBuffer::default(),
            pending: Pending::behind(stored),
        }
    }

    fn push(&mut self, offset: u64, data: &[u8]) {
        self.tail.push(offset, data);
        self.pending.push(offset, data);
    }

    fn excerpt(&self, offset: u64) -> Excerpt {
        if offset >= self.tail.position() {
            return Excerpt::Ahead;
        }
        let found = self.pending.read(offset).or_else(|| self.tail.read(offset));
        if let Some(bytes) = found {
            return Excerpt::Bytes(bytes[..bytes.len().min(LOOK)].to_vec());
        }
        let tail = self.tail.start().max(offset);
        let pending = self.pending.first_behind(offset);
        Excerpt::Behind(pending.map_or(tail, |pending| pending.min(tail)))
    }

    /// From where the end of a stream of `total` bytes has to be fetched once more.
    fn missing_from(&self, total: u64) -> Option<u64> {
        let from = total.saturating_sub(RING).max(self.pending.next());
        (from < total).then_some(from)
    }

    fn finish(&mut self, name: LogStream, total: u64, log: &mut LogEnd) -> Tail {
        let tail = self.tail.clone().finish(total);
        if tail.truncated && self.pending.next() > 0 {
            self.pending.keep();
        }
        let rest = self.pending.rest();
        log.chunks
            .extend(rest.iter().map(|piece| chunk(name, piece)));
        let ring = total.saturating_sub(RING);
        if ring > HEAD {
            log.dropped.push((name, signed(HEAD), signed(ring)));
        }
        tail
    }
}

fn chunk(stream: LogStream, piece: &Piece) -> LogChunk {
    LogChunk {
        stream,
        position: signed(piece.position),
        bytes: piece.bytes.to_vec(),
    }
}

fn signed(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

impl Live {
    /// Of an operation that has written nothing.
    pub(crate) fn new(organization: OrganizationId) -> Self {
        Self {
            organization,
            streams: Mutex::new(Streams {
                stdout: Stream::behind(0),
                stderr: Stream::behind(0),
                is_queued: false,
            }),
            changed: Notify::new(),
            cancel: watch::Sender::new(false),
            outcome: watch::Sender::new(None),
        }
    }

    /// The database has the streams up to here already.
    pub(crate) fn is_stored_up_to(&self, stdout: u64, stderr: u64) {
        let mut streams = self.streams();
        streams.stdout = Stream::behind(stdout);
        streams.stderr = Stream::behind(stderr);
    }

    pub(crate) fn push(&self, stream: LogStream, offset: u64, data: &[u8]) {
        self.streams().of_mut(stream).push(offset, data);
        self.changed.notify_waiters();
    }

    /// Where to go on from after a lost connection.
    pub fn position(&self, stream: LogStream) -> u64 {
        self.streams().of(stream).tail.position()
    }

    /// A piece of output that is due for the database; it stays readable until it is there.
    pub(crate) fn due(&self) -> Option<LogChunk> {
        let streams = self.streams();
        LogStream::ALL.into_iter().find_map(|name| {
            let piece = streams.of(name).pending.first_closed()?;
            Some(chunk(name, &piece))
        })
    }

    /// What [`Self::due`] gave is in the database.
    pub(crate) fn is_stored(&self, stream: LogStream) {
        self.streams().of_mut(stream).pending.written();
    }

    /// From where each stream has to be followed once more for its log to be complete, given its
    /// length; none when both are.
    pub(crate) fn missing(&self, stdout: u64, stderr: u64) -> Option<(u64, u64)> {
        let mut streams = self.streams();
        let missing = [
            streams.stdout.missing_from(stdout),
            streams.stderr.missing_from(stderr),
        ];
        if missing == [None, None] {
            return None;
        }
        let from = (missing[0].unwrap_or(stdout), missing[1].unwrap_or(stderr));
        streams.stdout.pending.resume_at(from.0);
        streams.stderr.pending.resume_at(from.1);
        Some(from)
    }

    /// The ends of both streams, of which the runner counted so many bytes, and what the
    /// database still lacks of their logs.
    pub(crate) fn finish(&self, stdout: u64, stderr: u64) -> (Tail, Tail, LogEnd) {
        let mut streams = self.streams();
        let mut log = LogEnd::default();
        let stdout = streams.stdout.finish(LogStream::Stdout, stdout, &mut log);
        let stderr = streams.stderr.finish(LogStream::Stderr, stderr, &mut log);
        (stdout, stderr, log)
    }

    /// The outcome is stored.
    pub(crate) fn end(&self, outcome: Arc<OperationOutcome>) {
        self.outcome.send_replace(Some(outcome));
        self.changed.notify_waiters();
    }

    /// Waits for the outcome.
    #[boxed]
    pub async fn ended(&self) -> Option<Arc<OperationOutcome>> {
        let mut outcome = self.outcome.subscribe();
        let ended = outcome.wait_for(Option::is_some).await;
        ended.ok().and_then(|ended| ended.clone())
    }

    pub(crate) fn set_queued(&self, is_queued: bool) {
        self.streams().is_queued = is_queued;
        self.changed.notify_waiters();
    }

    /// Whether it waits for room on its server.
    pub fn is_queued(&self) -> bool {
        self.streams().is_queued
    }

    /// The outcome, once it is stored.
    pub fn outcome(&self) -> Option<Arc<OperationOutcome>> {
        self.outcome.borrow().clone()
    }

    /// What stands at a position of a stream, as far as it is in memory.
    pub fn excerpt(&self, stream: LogStream, offset: u64) -> Excerpt {
        self.streams().of(stream).excerpt(offset)
    }

    /// Ends at the next change; asked for before looking, nothing is missed in between.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Somebody wants the operation to end.
    pub fn cancel(&self) {
        self.cancel.send_replace(true);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        *self.cancel.borrow()
    }

    /// Ends once somebody wants the operation to end.
    pub(crate) async fn cancelled(&self) {
        let mut cancel = self.cancel.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = cancel.wait_for(|wanted| *wanted).await;
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        // Streams are whole between any two calls, so a panic elsewhere spoils nothing.
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    const fn of(&self, stream: LogStream) -> &Stream {
        match stream {
            LogStream::Stdout => &self.stdout,
            LogStream::Stderr => &self.stderr,
        }
    }

    const fn of_mut(&mut self, stream: LogStream) -> &mut Stream {
        match stream {
            LogStream::Stdout => &mut self.stdout,
            LogStream::Stderr => &mut self.stderr,
        }
    }
}

/// Every operation that this process sees through.
#[derive(Default)]
pub(crate) struct LiveOperations(Mutex<HashMap<OperationId, Arc<Live>>>);

impl LiveOperations {
    pub(crate) fn add(&self, id: OperationId, live: Arc<Live>) {
        self.all().insert(id, live);
    }

    /// Whether this process sees an operation through.
    pub(crate) fn has(&self, id: OperationId) -> bool {
        self.all().contains_key(&id)
    }

    pub(crate) fn remove(&self, id: OperationId) {
        self.all().remove(&id);
    }

    /// One of an organization's.
    pub(crate) fn find(&self, organization: OrganizationId, id: OperationId) -> Option<Arc<Live>> {
        let all = self.all();
        let live = all.get(&id)?;
        (live.organization == organization).then(|| Arc::clone(live))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<OperationId, Arc<Live>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
