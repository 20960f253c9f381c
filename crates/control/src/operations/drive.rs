//! Seeing one operation through to its end, over as many connections as that takes.

mod log;
mod reboot;

use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::OperationKind;
use reoclo_store::LogStream;
use reoclo_wire::proto::{
    CancelRequest, Finished, FollowRequest, OperationEvent, Output, Refused,
    operation_event::Event, output::Stream, refused::Reason,
};
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use super::dispatch::{Deadlines, Dispatch};
use super::live::Live;
use super::payload::Payload;
use crate::Control;
use crate::runners::{Events, Link, why};

/// How an operation ended, as far as this process can tell.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// The runner reported the end.
    Finished(Finished),
    /// It never started, and never will.
    NotStarted(String),
    /// The server had no room for it.
    Busy,
    /// It waited too long for room on the server, and was never sent.
    QueueTimeout,
    /// Somebody cancelled it before it was sent.
    Cancelled,
    /// The host has booted anew since it was asked to.
    Rebooted,
    /// It has not, in all the time that it was given.
    NotRebooted,
    /// It may have run; nobody can tell how it ended.
    Lost(String),
}

/// Follows one operation: `sent`, then `accepted`, then a verdict.
pub(crate) struct Driver {
    control: Control,
    dispatch: Dispatch,
    deadlines: Deadlines,
    /// A start may have reached a runner.
    sent: bool,
    /// A runner has said that it has the operation.
    accepted: bool,
    /// When to erase the sealed command, if that is still to be done.
    erase_at: Option<Duration>,
    /// The host's reboot command has done its part.
    awaits_boot: bool,
    live: Arc<Live>,
}

/// What to try next.
enum Next {
    Link(Arc<Link>),
    TooLate,
    Cancelled,
}

impl Driver {
    /// A driver for an operation whose intent was just committed.
    pub(crate) fn new(control: Control, dispatch: Dispatch, live: Arc<Live>) -> Self {
        let deadlines = dispatch.deadlines(control.clock(), control.settings());
        Self {
            control,
            dispatch,
            deadlines,
            sent: false,
            accepted: false,
            erase_at: None,
            awaits_boot: false,
            live,
        }
    }

    /// A driver for an operation that an earlier process began and may have sent.
    pub(crate) fn resumed(
        control: Control,
        dispatch: Dispatch,
        live: Arc<Live>,
        accepted: bool,
    ) -> Self {
        let mut driver = Self::new(control, dispatch, live);
        driver.sent = true;
        driver.accepted = accepted;
        let grace = driver.control.settings().resume_grace;
        let heard_by = driver.control.clock().monotonic().saturating_add(grace);
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
            Err(_) if self.is_reboot() => Verdict::NotRebooted,
            Err(_) => Verdict::Lost("the server has not reported on it in time".into()),
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
            if self.awaits_boot {
                continue;
            }
            if let Some(verdict) = self.follow_on(&link).await
                && let Some(verdict) = self.unless_rebooting(verdict)
            {
                return verdict;
            }
        }
    }

    /// The next connection to try, unless nothing was sent before the start deadline or before
    /// somebody cancelled.
    async fn next(&self, last: Option<u64>) -> Next {
        let settings = self.control.settings();
        let runners = self.control.runners();
        let next = runners.next_link(self.dispatch.server, last, settings.retry_delay);
        if self.sent {
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
            Some(request) => {
                self.sent = true;
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
        let may_be_sent_again = same_instance && !self.live.is_cancelled();
        if self.accepted || (self.sent && !may_be_sent_again) {
            return None;
        }
        if self.until(self.deadlines.start_by).is_zero() {
            return None;
        }
        let not_after = link.instance_time(self.deadlines.start_by);
        self.dispatch.start_request(link, not_after)
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
            let erase_in = self.erase_at.map(|at| self.until(at));
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
                () = live.cancelled(), if self.accepted && !cancel_sent => {
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
            Event::Refused(refused) => Some(verdict_of_refusal(self.what(), refused)),
            Event::Output(output) => {
                self.note_accepted();
                self.push(&output);
                None
            }
            Event::Finished(finished) => Some(Verdict::Finished(finished)),
        }
    }

    /// What a runner may be too old for; nothing where every runner knows it.
    fn what(&self) -> Option<&'static str> {
        match &self.dispatch.payload {
            Some(Payload::Exec(exec)) if exec.is_script() => Some("script"),
            _ if self.dispatch.kind == OperationKind::Exec => None,
            _ => Some(self.dispatch.kind.as_str()),
        }
    }

    fn note_accepted(&mut self) {
        if !self.accepted {
            self.accepted = true;
            self.erase_at =
                Some(self.control.clock().monotonic() + self.control.settings().erase_after);
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
        self.erase_at = None;
        self.dispatch.payload = None;
        let erased = self
            .control
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
        if self.accepted {
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
        self.sent = false;
        None
    }

    fn until(&self, moment: Duration) -> Duration {
        moment.saturating_sub(self.control.clock().monotonic())
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
