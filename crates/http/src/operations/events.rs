//! The output of an operation as it comes, as server-sent events.
//!
//! Whoever reads slowly finds gaps, and never holds the command up: each event is read when the
//! connection has room for it, from what is kept at that moment.

mod cursor;
mod event;

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::{FutureExt, Stream, stream};
use http::{HeaderMap, HeaderName, header};
use reoclo_control::{Control, LogPart, LogStatus, LogStream, OperationLog, Permission, Refusal};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Recheck;
use crate::answer::EventStream;
use crate::error::ApiError;
use cursor::{Cursor, Position};

const LAST_EVENT_ID: &str = "last-event-id";
/// A proxy that collects an answer would show nothing until its end.
const NO_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// How often the authorization is checked again: with room to spare, a revoked key reads for less
/// than a second.
const RECHECK: Duration = Duration::from_millis(500);
/// Shorter than what proxies take for a dead connection.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Answers the events from where the client has got to.
pub(crate) fn stream<P: Permission>(
    log: OperationLog,
    recheck: Recheck<P>,
    control: &Control,
    headers: &HeaderMap,
) -> Result<EventStream, ApiError> {
    let from = position(headers)?;
    let events = Events {
        log,
        recheck,
        control: control.clone(),
        stdout: Cursor::at(from.stdout),
        stderr: Cursor::at(from.stderr),
        due: VecDeque::new(),
        told: None,
        checks: every(RECHECK),
        keepalives: every(KEEPALIVE),
        is_over: false,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (NO_BUFFERING, "no"),
    ];
    let answer = (headers, Body::from_stream(events.stream())).into_response();
    Ok(EventStream(answer))
}

fn position(headers: &HeaderMap) -> Result<Position, Refusal> {
    let Some(id) = headers.get(LAST_EVENT_ID) else {
        return Ok(Position::default());
    };
    let position = id.to_str().ok().and_then(Position::parse);
    position.ok_or_else(|| Refusal::field("Last-Event-ID", "is not the id of an event from here"))
}

/// The first tick comes after one period.
fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.reset();
    ticks
}

struct Events<P> {
    log: OperationLog,
    recheck: Recheck<P>,
    control: Control,
    stdout: Cursor,
    stderr: Cursor,
    /// Ready to be sent.
    due: VecDeque<Bytes>,
    /// The last status that the client heard of.
    told: Option<LogStatus>,
    checks: Interval,
    keepalives: Interval,
    is_over: bool,
}

impl<P: Permission> Events<P> {
    fn stream(self) -> impl Stream<Item = Result<Bytes, Refusal>> + Send + 'static {
        stream::try_unfold(self, |mut events| async {
            Ok(events.next().await?.map(|event| (event, events)))
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        loop {
            if let Some(event) = self.due.pop_front() {
                return Ok(Some(event));
            }
            // The client comes back to the process that follows this one.
            if self.is_over || self.control.drain().has_begun() {
                return Ok(None);
            }
            if self.checks.tick().now_or_never().is_some() && !self.is_still_allowed().await {
                continue;
            }
            // Asked for before the output: what is read afterwards is all there is.
            let status = self.log.status();
            self.tell_status(&status);
            let has_output = self.read_output().await?;
            if has_output || !self.due.is_empty() {
                continue;
            }
            if status.outcome.is_some() {
                self.end(&status);
            } else {
                self.wait().await?;
            }
        }
    }

    /// Ends the stream when the caller may not read it any more.
    async fn is_still_allowed(&mut self) -> bool {
        let Err(refusal) = self.recheck.check().await else {
            return true;
        };
        self.due.push_back(event::refused(&refusal));
        self.is_over = true;
        false
    }

    /// At most one part of each stream, so that the two keep step.
    async fn read_output(&mut self) -> Result<bool, Refusal> {
        let mut found = false;
        for name in LogStream::ALL {
            let at = self.cursor(name).next();
            if let LogPart::Bytes { position, bytes } = self.log.read(name, at).await? {
                found = true;
                self.take(name, position, &bytes);
            }
        }
        Ok(found)
    }

    fn take(&mut self, name: LogStream, position: u64, bytes: &[u8]) {
        let at = self.cursor(name).next();
        if position > at {
            self.flush(name);
            self.cursor(name).jump(position);
            let gap = event::gap(self.position(), name, at, position);
            self.due.push_back(gap);
        }
        for part in bytes.chunks(event::MOST_BYTES) {
            let (offset, text) = self.cursor(name).take(part);
            self.push_text(name, offset, &text);
        }
    }

    /// Nothing follows that could complete a character.
    fn flush(&mut self, name: LogStream) {
        let (offset, text) = self.cursor(name).flush();
        self.push_text(name, offset, &text);
    }

    fn push_text(&mut self, name: LogStream, offset: u64, text: &str) {
        if !text.is_empty() {
            let output = event::output(self.position(), name, offset, text);
            self.due.push_back(output);
        }
    }

    fn tell_status(&mut self, status: &LogStatus) {
        if status.outcome.is_some() {
            return;
        }
        if self.told.as_ref() != Some(status) {
            let told = event::status(self.position(), self.log.id(), status);
            self.due.push_back(told);
            self.told = Some(status.clone());
        }
    }

    fn end(&mut self, status: &LogStatus) {
        for name in LogStream::ALL {
            self.flush(name);
        }
        let end = event::end(self.position(), self.log.id(), status);
        self.due.push_back(end);
        self.is_over = true;
    }

    /// Until there is something new, or it is time to check, or to show that the connection lives.
    async fn wait(&mut self) -> Result<(), Refusal> {
        let (stdout, stderr) = (self.stdout.next(), self.stderr.next());
        let told = self.told.clone();
        let has_news = |log: &OperationLog| {
            log.has_beyond(LogStream::Stdout, stdout)
                || log.has_beyond(LogStream::Stderr, stderr)
                || Some(log.status()) != told
        };
        tokio::select! {
            changed = self.log.changed(has_news) => changed?,
            _ = self.checks.tick() => {
                self.is_still_allowed().await;
            }
            _ = self.keepalives.tick() => self.due.push_back(event::keepalive()),
            () = self.control.drain().begun() => self.is_over = true,
        }
        Ok(())
    }

    const fn cursor(&mut self, name: LogStream) -> &mut Cursor {
        match name {
            LogStream::Stdout => &mut self.stdout,
            LogStream::Stderr => &mut self.stderr,
        }
    }

    const fn position(&self) -> Position {
        Position {
            stdout: self.stdout.sent(),
            stderr: self.stderr.sent(),
        }
    }
}
