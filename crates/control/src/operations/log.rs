//! Reading what an operation writes, while it runs and afterwards.

use std::sync::Arc;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{Dispatcher, Excerpt, Live};
use reoclo_domain::{OperationId, OperationState, OrganizationId};
use reoclo_store::{LogStream, OperationOutcome, OperationRecord, Store, Tail};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Operations;
use crate::{Authorized, OperationOutput, OwnOperations, Refusal};

/// How often the record of an operation is read again that another process sees through.
const POLL: Duration = Duration::from_millis(500);

/// The output of one operation, from the memory of who follows it and from the database.
pub struct OperationLog {
    store: Store,
    dispatcher: Dispatcher,
    record: OperationRecord,
    live: Option<Arc<Live>>,
    /// Goes on when a wait is given up and taken up again.
    polls: Interval,
}

/// What stands at a position of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum LogPart {
    /// These bytes; when they stand behind the position that was asked for, what is between was
    /// dropped.
    Bytes {
        /// Where they stand.
        position: u64,
        /// The bytes, at least one.
        bytes: Vec<u8>,
    },
    /// It was not written yet.
    Ahead,
    /// The stream has ended before it.
    End,
}

/// Where an operation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStatus {
    /// Its state on the wire.
    pub state: OperationState,
    /// Whether it waits for room on its server.
    pub is_queued: bool,
    /// How it ended, once it has.
    pub outcome: Option<Arc<OperationOutcome>>,
}

impl Operations<'_> {
    /// The log of an operation of the organization.
    #[boxed]
    pub async fn log(
        &self,
        proof: &Authorized<OperationOutput>,
        id: OperationId,
    ) -> Result<OperationLog, Refusal> {
        self.log_in(proof.caller().organization(), id).await
    }

    pub(super) async fn log_in(
        self,
        organization: OrganizationId,
        id: OperationId,
    ) -> Result<OperationLog, Refusal> {
        // Before the record, which is then as new as what is found here.
        let live = self.dispatcher.live_operation(organization, id);
        let record = self.core.store().operation(organization, id).await?;
        let record = record.ok_or(Refusal::NotFound("the operation"))?;
        Ok(self.log_of(record, live))
    }

    /// The log of an operation that this automation key started (rule 10).
    #[boxed]
    pub async fn own_log(
        &self,
        proof: &Authorized<OwnOperations>,
        id: OperationId,
    ) -> Result<OperationLog, Refusal> {
        let live = self
            .dispatcher
            .live_operation(proof.caller().organization(), id);
        let record = self.show_own(proof, id).await?;
        Ok(self.log_of(record, live))
    }

    fn log_of(self, record: OperationRecord, live: Option<Arc<Live>>) -> OperationLog {
        let mut polls = interval(POLL);
        polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
        polls.reset();
        OperationLog {
            store: self.core.store().clone(),
            dispatcher: self.dispatcher.clone(),
            record,
            live,
            polls,
        }
    }
}

impl OperationLog {
    /// The operation.
    pub const fn id(&self) -> OperationId {
        self.record.id
    }

    /// Where the operation stands now.
    pub fn status(&self) -> LogStatus {
        let ended = || self.record.outcome.clone().map(Arc::new);
        let outcome = match &self.live {
            Some(live) => live.outcome(),
            None => ended(),
        };
        LogStatus {
            state: outcome
                .as_ref()
                .map_or(OperationState::Running, |outcome| outcome.state),
            is_queued: outcome.is_none()
                && self
                    .live
                    .as_ref()
                    .map_or(self.record.is_queued, |live| live.is_queued()),
            outcome,
        }
    }

    /// What stands at `position`, or the first that is kept behind it.
    #[boxed]
    pub async fn read(&self, stream: LogStream, position: u64) -> Result<LogPart, Refusal> {
        match self.status().outcome {
            Some(outcome) => self.read_ended(&outcome, stream, position).await,
            None => self.read_running(stream, position).await,
        }
    }

    /// Up to where the stream has been written.
    #[boxed]
    pub async fn end(&self, stream: LogStream) -> Result<u64, Refusal> {
        let status = self.status();
        if let Some(outcome) = &status.outcome {
            let total = unsigned(tail_of(outcome, stream).total);
            return Ok(total.max(self.stored_end(stream).await?));
        }
        match &self.live {
            Some(live) => Ok(live.position(stream)),
            None => Ok(self.stored_end(stream).await?),
        }
    }

    /// Waits until there may be more to read, or another state.
    ///
    /// What changes between a look and this call is not missed: `has_news` is asked once the wait
    /// is set up.
    pub async fn changed(&mut self, has_news: impl Fn(&Self) -> bool) -> Result<(), Refusal> {
        if let Some(live) = self.live.clone() {
            let changed = live.changed();
            if !has_news(self) {
                changed.await;
            }
            return Ok(());
        }
        self.polls.tick().await;
        self.refresh().await
    }

    /// Waits until the operation has ended, whatever it writes until then.
    pub(super) async fn ended(&mut self) -> Result<(), Refusal> {
        while self.status().outcome.is_none() {
            // Who followed it here may let go of it: then its record tells.
            let known = match self.live.clone() {
                Some(live) => live.ended().await.is_some(),
                None => false,
            };
            if !known {
                self.polls.tick().await;
                self.refresh().await?;
            }
        }
        Ok(())
    }

    /// Whether a stream has grown beyond `position`, as far as this process knows at once.
    pub fn has_beyond(&self, stream: LogStream, position: u64) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| live.excerpt(stream, position) != Excerpt::Ahead)
    }

    async fn refresh(&mut self) -> Result<(), Refusal> {
        let (organization, id) = (self.organization(), self.record.id);
        self.live = self.dispatcher.live_operation(organization, id);
        if let Some(record) = self.store.operation(organization, id).await? {
            self.record = record;
        }
        Ok(())
    }

    async fn read_running(&self, stream: LogStream, position: u64) -> Result<LogPart, Refusal> {
        let first_in_memory = match self
            .live
            .as_ref()
            .map(|live| live.excerpt(stream, position))
        {
            Some(Excerpt::Bytes(bytes)) => return Ok(LogPart::Bytes { position, bytes }),
            Some(Excerpt::Ahead) => return Ok(LogPart::Ahead),
            Some(Excerpt::Behind(first)) => Some(first),
            None => None,
        };
        if let Some((at, bytes)) = self.stored(stream, position).await?
            && first_in_memory.is_none_or(|first| at < first)
        {
            let position = at;
            return Ok(LogPart::Bytes { position, bytes });
        }
        let (Some(live), Some(first)) = (&self.live, first_in_memory) else {
            return Ok(LogPart::Ahead);
        };
        match live.excerpt(stream, first) {
            Excerpt::Bytes(bytes) => Ok(LogPart::Bytes {
                position: first,
                bytes,
            }),
            // It has gone on meanwhile; the next look finds where it is.
            Excerpt::Behind(_) | Excerpt::Ahead => Ok(LogPart::Ahead),
        }
    }

    async fn read_ended(
        &self,
        outcome: &OperationOutcome,
        stream: LogStream,
        position: u64,
    ) -> Result<LogPart, Refusal> {
        let tail = tail_of(outcome, stream);
        let total = unsigned(tail.total);
        let tail_start = total - (tail.bytes.len() as u64).min(total);
        // Of what was lost, the row has nothing, and the log may have what came before.
        let has_tail = !tail.bytes.is_empty();
        if (position < tail_start || !has_tail)
            && let Some((at, bytes)) = self.stored(stream, position).await?
            && (at < tail_start || !has_tail)
        {
            let position = at;
            return Ok(LogPart::Bytes { position, bytes });
        }
        if position >= total || !has_tail {
            return Ok(LogPart::End);
        }
        let position = position.max(tail_start);
        let skip = usize::try_from(position - tail_start).unwrap_or(usize::MAX);
        let bytes = tail.bytes.get(skip..).unwrap_or_default().to_vec();
        Ok(LogPart::Bytes { position, bytes })
    }

    /// What the database has at `position`, or the first behind it.
    async fn stored(
        &self,
        stream: LogStream,
        position: u64,
    ) -> Result<Option<(u64, Vec<u8>)>, Refusal> {
        let Ok(wanted) = i64::try_from(position) else {
            return Ok(None);
        };
        let (store, id) = (&self.store, self.record.id);
        let found = store.operation_log(self.organization(), id, stream, wanted);
        Ok(found.await?.map(|mut chunk| {
            let at = unsigned(chunk.position);
            let skip = usize::try_from(position.saturating_sub(at)).unwrap_or(usize::MAX);
            chunk.bytes.drain(..skip.min(chunk.bytes.len()));
            (at.max(position), chunk.bytes)
        }))
    }

    async fn stored_end(&self, stream: LogStream) -> Result<u64, Refusal> {
        let (store, id) = (&self.store, self.record.id);
        let end = store.operation_log_end(self.organization(), id, stream);
        Ok(unsigned(end.await?))
    }

    const fn organization(&self) -> OrganizationId {
        self.record.organization
    }
}

const fn tail_of(outcome: &OperationOutcome, stream: LogStream) -> &Tail {
    match stream {
        LogStream::Stdout => &outcome.stdout,
        LogStream::Stderr => &outcome.stderr,
    }
}

fn unsigned(position: i64) -> u64 {
    u64::try_from(position).unwrap_or(0)
}
