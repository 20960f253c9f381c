//! Seeing one operation through to its end, over as many connections as that takes.

mod log;

use std::sync::Arc;
use std::time::Duration;

use reoclo_store::LogStream;
use reoclo_wire::ability::Ability;
use reoclo_wire::proto::{
    CancelRequest, FollowRequest, OperationEvent, Output, Refused, operation_event::Event,
    output::Stream, refused::Reason,
};
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use crate::Dispatcher;
use crate::dispatch::{Deadlines, Dispatch};
use crate::kinds::Payload;
use crate::live::Live;
use crate::runners::{Events, Link, why};
use crate::verdict::Verdict;

/// Follows one operation until there is a verdict.
pub(crate) struct Driver {
    dispatcher: Dispatcher,
    dispatch: Dispatch,
    deadlines: Deadlines,
    progress: Progress,
    live: Arc<Live>,
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// No runner can have it.
    Unsent,
    /// A start may have reached a runner.
    Sent,
    /// A runner has said that it has the operation.
    Accepted {
        /// When to erase the sealed command, if that is still to be done.
        erase_at: Option<Duration>,
    },
    /// What the runner had to do is done; the host's next boot ends the operation.
    AwaitsBoot,
}

/// What to try next.
enum Next {
    Link(Arc<Link>),
    TooLate,
    Cancelled,
}

impl Driver {
    /// A driver for an operation whose intent was just committed.
    pub(crate) fn new(dispatcher: Dispatcher, dispatch: Dispatch, live: Arc<Live>) -> Self {
        let deadlines = dispatch.deadlines(dispatcher.clock(), dispatcher.settings());
        Self {
            dispatcher,
            dispatch,
            deadlines,
            progress: Progress::Unsent,
            live,
        }
    }

    /// A driver for an operation that an earlier process began and may have sent.
    pub(crate) fn resumed(
        dispatcher: Dispatcher,
        dispatch: Dispatch,
        live: Arc<Live>,
        accepted: bool,
    ) -> Self {
        let mut driver = Self::new(dispatcher, dispatch, live);
        driver.progress = if accepted {
            Progress::Accepted { erase_at: None }
        } else {
            Progress::Sent
        };
        let grace = driver.dispatcher.settings().resume_grace;
        let heard_by = driver.dispatcher.clock().monotonic().saturating_add(grace);
        driver.deadlines.lost_at = driver.deadlines.lost_at.max(heard_by);
        driver
    }

    pub(crate) const fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// Follows until there is a verdict; an operation without one in time is lost.
    pub(crate) async fn see_through(&mut self) -> Verdict {
        let time = self.until(self.deadlines.lost_at);
        match timeout(time, self.follow()).await {
            Ok(verdict) => verdict,
            Err(_) => (self.dispatch.rules().overdue)(),
        }
    }

    /// Goes on following without an end of its own.
    pub(crate) async fn follow(&mut self) -> Verdict {
        let mut last = None;
        loop {
            let link = match self.next(last).await {
                Next::Link(link) => link,
                Next::Cancelled => return Verdict::Cancelled,
                Next::TooLate => {
                    return Verdict::NotStarted("the runner was not connected in time".into());
                }
            };
            last = Some(link.number());
            if self.has_rebooted(&link) {
                return Verdict::Rebooted;
            }
            if self.progress == Progress::AwaitsBoot {
                continue;
            }
            if let Some(verdict) = self.follow_on(&link).await
                && let Some(verdict) = self.unless_a_boot_follows(verdict)
            {
                return verdict;
            }
        }
    }

    /// Whether the host on this connection has booted since the operation was meant for it, and
    /// that ends it. Also before anything was sent: a host that has just booted is not rebooted
    /// once more.
    fn has_rebooted(&self, link: &Link) -> bool {
        let (before, now) = (self.dispatch.boot_id.as_str(), link.boot_id());
        let is_anew = !before.is_empty() && !now.is_empty() && before != now;
        is_anew && self.dispatch.rules().ends_with_boot
    }

    fn unless_a_boot_follows(&mut self, verdict: Verdict) -> Option<Verdict> {
        if (self.dispatch.rules().awaits_boot)(&verdict) {
            self.progress = Progress::AwaitsBoot;
            return None;
        }
        Some(verdict)
    }

    /// The next connection to try, unless nothing was sent before the start deadline or before
    /// somebody cancelled.
    async fn next(&self, last: Option<u64>) -> Next {
        let settings = self.dispatcher.settings();
        let seats = self.dispatcher.seats();
        let next = seats.next_link(self.dispatch.server, last, settings.retry_delay);
        if self.progress != Progress::Unsent {
            return next.await.map_or(Next::TooLate, Next::Link);
        }
        let time = self.until(self.deadlines.start_by);
        tokio::select! {
            biased;
            () = self.live.cancelled() => Next::Cancelled,
            next = timeout(time, next) => next.ok().flatten().map_or(Next::TooLate, Next::Link),
        }
    }

    /// Starts or follows on one connection; nothing when that connection did not tell the end.
    async fn follow_on(&mut self, link: &Link) -> Option<Verdict> {
        let opened = match self.start_request(link) {
            Some(_) if let Some(lacking) = self.lacking(link) => {
                return Some(Verdict::NotStarted(
                    link.is_too_old_for(lacking).to_string(),
                ));
            }
            Some(request) => {
                self.progress = Progress::Sent;
                link.calls().start(request).await
            }
            None => link.calls().follow(self.follow_request()).await,
        };
        match opened {
            Ok(events) => self.read(link, events).await,
            Err(status) => self.refused_with(link, &status),
        }
    }

    /// A request to start, when the operation may still be started there: before the deadline,
    /// and where an earlier start would be recognised.
    fn start_request(&self, link: &Link) -> Option<reoclo_wire::proto::StartRequest> {
        let same_instance = link.instance_id() == self.dispatch.instance_id;
        let may_be_sent = match self.progress {
            Progress::Unsent => true,
            Progress::Sent => same_instance && !self.live.is_cancelled(),
            Progress::Accepted { .. } | Progress::AwaitsBoot => false,
        };
        if !may_be_sent || self.until(self.deadlines.start_by).is_zero() {
            return None;
        }
        let not_after = link.instance_time(self.deadlines.start_by);
        self.dispatch.start_request(link, not_after)
    }

    /// What the runner is too old for: another may have been connected when it was begun.
    fn lacking(&self, link: &Link) -> Option<Ability> {
        let needed = self.dispatch.payload.as_ref().map(Payload::ability);
        needed.filter(|needed| link.lacks(*needed))
    }

    fn follow_request(&self) -> FollowRequest {
        FollowRequest {
            operation_id: self.dispatch.id.to_string(),
            stdout_offset: self.live.position(LogStream::Stdout),
            stderr_offset: self.live.position(LogStream::Stderr),
        }
    }

    async fn read(&mut self, link: &Link, mut events: Events) -> Option<Verdict> {
        let live = Arc::clone(&self.live);
        let mut cancel_sent = false;
        loop {
            let erase_in = self.erase_at().map(|at| self.until(at));
            tokio::select! {
                biased;
                event = events.next() => match event {
                    Ok(Some(event)) => {
                        if let Some(verdict) = self.take(event) {
                            return Some(verdict);
                        }
                    }
                    Ok(None) => return None,
                    Err(status) => return self.refused_with(link, &status),
                },
                () = sleep(erase_in.unwrap_or(Duration::MAX)), if erase_in.is_some() => {
                    self.erase().await;
                }
                () = live.cancelled(), if self.is_accepted() && !cancel_sent => {
                    cancel_sent = true;
                    self.send_cancel(link);
                }
            }
            self.keep_log().await;
        }
    }

    /// Has the runner end the operation. Should the connection be lost meanwhile, it is told again
    /// on the next.
    fn send_cancel(&self, link: &Link) {
        let (calls, id) = (link.calls().clone(), self.dispatch.id);
        tokio::spawn(async move {
            let operation_id = id.to_string();
            if let Err(status) = calls.cancel(CancelRequest { operation_id }).await {
                tracing::debug!(operation = %id, why = why(&status), "the runner did not hear of a cancel");
            }
        });
    }

    fn take(&mut self, event: OperationEvent) -> Option<Verdict> {
        match event.event? {
            Event::Accepted(_) => {
                self.note_accepted();
                None
            }
            Event::Refused(refused) => Some(verdict_of_refusal(self.novelty(), refused)),
            Event::Output(output) => {
                self.note_accepted();
                self.push(&output);
                None
            }
            Event::Finished(finished) => Some(Verdict::Finished(finished)),
        }
    }

    /// What of it a runner may be too old for that does not say so; nothing where every runner
    /// knows it.
    fn novelty(&self) -> Option<&'static str> {
        let payload = self.dispatch.payload.as_ref();
        let needed = payload.map(Payload::ability);
        let new = needed.filter(|needed| *needed != Ability::Exec);
        new.map(Ability::as_str)
    }

    const fn is_accepted(&self) -> bool {
        matches!(self.progress, Progress::Accepted { .. })
    }

    const fn erase_at(&self) -> Option<Duration> {
        match self.progress {
            Progress::Accepted { erase_at } => erase_at,
            Progress::Unsent | Progress::Sent | Progress::AwaitsBoot => None,
        }
    }

    fn note_accepted(&mut self) {
        if !self.is_accepted() {
            let now = self.dispatcher.clock().monotonic();
            self.progress = Progress::Accepted {
                erase_at: Some(now + self.dispatcher.settings().erase_after),
            };
        }
    }

    fn push(&self, output: &Output) {
        let stream = match output.stream() {
            Stream::Stdout => LogStream::Stdout,
            Stream::Stderr => LogStream::Stderr,
            Stream::Unspecified => return,
        };
        self.live.push(stream, output.offset, &output.data);
    }

    /// The runner has the operation, so the sealed command is not needed any more.
    async fn erase(&mut self) {
        self.progress = Progress::Accepted { erase_at: None };
        self.dispatch.payload = None;
        let erased = self
            .dispatcher
            .store()
            .operation_acknowledged(vec![self.dispatch.id])
            .await;
        if let Err(error) = erased
            && !error.is_of_an_outage()
        {
            tracing::warn!(operation = %self.dispatch.id, %error, "a sealed command was not erased");
        }
    }

    fn refused_with(&mut self, link: &Link, status: &Status) -> Option<Verdict> {
        if status.code() == Code::NotFound {
            self.unknown_there(link)
        } else {
            tracing::debug!(operation = %self.dispatch.id, why = why(status), "the connection did not tell the end");
            None
        }
    }

    /// The runner does not know the operation. Within the same boot this proves that it never
    /// started; across a boot nobody can tell.
    fn unknown_there(&mut self, link: &Link) -> Option<Verdict> {
        if self.is_accepted() {
            return Some(Verdict::Lost(
                "the server no longer knows the operation".into(),
            ));
        }
        if link.boot_id() != self.dispatch.boot_id {
            return Some(Verdict::Lost("the server was restarted".into()));
        }
        let time = self.until(self.deadlines.start_by);
        if self.dispatch.payload.is_none() || time.is_zero() {
            return Some(Verdict::NotStarted("it never reached the server".into()));
        }
        self.progress = Progress::Unsent;
        None
    }

    fn until(&self, moment: Duration) -> Duration {
        moment.saturating_sub(self.dispatcher.clock().monotonic())
    }
}

fn verdict_of_refusal(what: Option<&str>, refused: Refused) -> Verdict {
    match (refused.reason(), what) {
        (Reason::Busy, _) => Verdict::Busy,
        (Reason::TooLate, _) => Verdict::NotStarted("it reached the server too late".into()),
        (Reason::Forgotten, _) => Verdict::Lost("the server has forgotten how it ended".into()),
        // Every action but the first: an older runner takes it for none at all.
        (Reason::Invalid, Some(what)) => Verdict::NotStarted(format!(
            "the server's runner did not take the {what} ({}): if that runner is older than this \
             control plane, update reoclo there",
            refused.message
        )),
        (Reason::OtherInstance | Reason::Storage | Reason::Invalid | Reason::Unspecified, _) => {
            Verdict::NotStarted(refused.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_runner_that_knows_no_login_is_named_as_such() {
        let refused = || Refused {
            reason: Reason::Invalid.into(),
            message: "this supervisor does not know the action".into(),
        };
        let why = |what| match verdict_of_refusal(what, refused()) {
            Verdict::NotStarted(why) => why,
            other => panic!("{other:?}"),
        };
        let login = why(Some("registry_login"));
        assert!(login.contains("registry_login"), "{login}");
        assert!(login.contains("update reoclo"), "{login}");
        assert_eq!(why(None), refused().message);
    }
}
