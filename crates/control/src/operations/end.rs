//! The end of an operation: its outcome is stored, told to who waits, and forgotten by the runner.

use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{EXIT_LOST, EXIT_NOT_RUN, OperationState};
use reoclo_store::{AuditOutcome, NewAuditEvent, OperationOutcome, RequestSource};
use reoclo_wire::proto::{Finished, finished::State};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::dispatch::Dispatch;
use super::drive::{Driver, Verdict};
use super::tail::TailBuffer;
use crate::Control;
use crate::audit::{Happening, resource};

/// A runner that comes back within a day after its operation was given up is still heard.
const LATE_RESULT: Duration = Duration::from_hours(24);

/// Where who waits for an operation learns its outcome.
pub(crate) type Ended = watch::Sender<Option<Arc<OperationOutcome>>>;

impl Control {
    /// Sees an operation through and stores how it ended. Runs in a task of its own, so that
    /// nobody who goes away takes the operation with them.
    pub(crate) async fn drive(&self, mut driver: Driver, ended: Ended) {
        let verdict = driver.see_through().await;
        let (stdout, stderr) = driver.take_output();
        let lost = matches!(verdict, Verdict::Lost(_));
        let outcome = self.outcome(&verdict, stdout, stderr);
        self.store_outcome(driver.dispatch(), &outcome).await;
        ended.send_replace(Some(Arc::new(outcome)));
        if lost {
            self.hear_late_result(&mut driver).await;
        }
        let dispatch = driver.dispatch();
        self.runners().forget(dispatch.server, dispatch.id).await;
    }

    /// An operation whose intent may be stored although its request was refused.
    pub(crate) async fn store_not_begun(&self, dispatch: &Dispatch) {
        let verdict = Verdict::NotStarted("its intent could not be stored for certain".into());
        let outcome = self.outcome(&verdict, TailBuffer::default(), TailBuffer::default());
        self.store_outcome(dispatch, &outcome).await;
    }

    /// Keeps trying for as long as the database cannot take it: the runner keeps the result.
    async fn store_outcome(&self, dispatch: &Dispatch, outcome: &OperationOutcome) {
        loop {
            let event = self.outcome_event(dispatch, outcome);
            let stored = self
                .store()
                .finish_operation(dispatch.id, outcome.clone(), vec![event])
                .await;
            let Err(error) = stored else { return };
            tracing::error!(operation = %dispatch.id, %error, "an outcome could not be stored yet");
            sleep(self.settings().retry_delay).await;
        }
    }

    fn outcome_event(&self, dispatch: &Dispatch, outcome: &OperationOutcome) -> NewAuditEvent {
        let successful = outcome.state == OperationState::Completed && outcome.exit_code == 0;
        let happening = Happening {
            action: "operation.end",
            resource: resource("operation", dispatch.id, None),
            outcome: if successful {
                AuditOutcome::Success
            } else {
                AuditOutcome::Failure
            },
            detail: json!({
                "operation": dispatch.kind.as_str(),
                "server_id": dispatch.server,
                "state": outcome.state.as_str(),
                "exit_code": outcome.exit_code,
                "code": outcome.code,
                "duration_ms": outcome.duration_us / 1000,
                "stdout_bytes": outcome.stdout.total,
                "stderr_bytes": outcome.stderr.total,
            }),
        };
        let starter = dispatch.starter.clone();
        self.event(
            Some(dispatch.organization),
            starter,
            RequestSource::default(),
            happening,
        )
    }

    /// A result that comes after the operation was given up is audited; the state stays.
    async fn hear_late_result(&self, driver: &mut Driver) {
        let Ok(Verdict::Finished(finished)) = timeout(LATE_RESULT, driver.follow()).await else {
            return;
        };
        let dispatch = driver.dispatch();
        let happening = Happening {
            action: "operation.late_result",
            resource: resource("operation", dispatch.id, None),
            outcome: AuditOutcome::Failure,
            detail: json!({ "server_id": dispatch.server, "exit_code": finished.exit_code }),
        };
        let starter = dispatch.starter.clone();
        let event = self.event(
            Some(dispatch.organization),
            starter,
            RequestSource::default(),
            happening,
        );
        if let Err(error) = self.store().append_audit(vec![event]).await {
            tracing::error!(operation = %dispatch.id, %error, "a late result was not audited");
        }
    }

    fn outcome(
        &self,
        verdict: &Verdict,
        stdout: TailBuffer,
        stderr: TailBuffer,
    ) -> OperationOutcome {
        let end = End::of(verdict);
        OperationOutcome {
            state: end.state,
            code: end.code.map(str::to_owned),
            message: end.message,
            exit_code: end.exit_code,
            signal: end.signal,
            duration_us: end.duration_us,
            stdout: stdout.finish(end.stdout_bytes),
            stderr: stderr.finish(end.stderr_bytes),
            completed_at: self.now(),
        }
    }
}

/// A verdict in the terms of the record.
struct End {
    state: OperationState,
    code: Option<&'static str>,
    message: Option<String>,
    exit_code: i32,
    signal: Option<i32>,
    duration_us: i64,
    stdout_bytes: u64,
    stderr_bytes: u64,
}

impl End {
    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Finished(finished) => Self::reported(finished),
            Verdict::NotStarted(why) => Self::unreported("not_started", EXIT_NOT_RUN, why),
            Verdict::Busy => Self::unreported(
                "server_busy",
                EXIT_NOT_RUN,
                "the server runs as many operations as it may",
            ),
            Verdict::Lost(why) => Self::unreported("lost", EXIT_LOST, why),
        }
    }

    fn unreported(code: &'static str, exit_code: i32, message: &str) -> Self {
        Self {
            state: OperationState::Failed,
            code: Some(code),
            message: Some(message.to_owned()),
            exit_code,
            signal: None,
            duration_us: 0,
            stdout_bytes: 0,
            stderr_bytes: 0,
        }
    }

    fn reported(finished: &Finished) -> Self {
        let (state, code) = match finished.state() {
            State::Completed => (OperationState::Completed, None),
            State::TimedOut => (OperationState::Timeout, None),
            State::Cancelled => (OperationState::Failed, Some("cancelled")),
            State::NotRun => (OperationState::Failed, Some(code_not_run(&finished.field))),
            State::Lost | State::Unspecified => (OperationState::Failed, Some("lost")),
        };
        Self {
            state,
            code,
            message: (!finished.message.is_empty())
                .then(|| finished.message.replace('\0', "\u{fffd}")),
            exit_code: finished.exit_code,
            signal: (finished.signal != 0).then_some(finished.signal),
            duration_us: i64::try_from(finished.duration_us).unwrap_or(i64::MAX),
            stdout_bytes: finished.stdout_bytes,
            stderr_bytes: finished.stderr_bytes,
        }
    }
}

/// A field of the request that only the server could check has a code of its own.
fn code_not_run(field: &str) -> &'static str {
    if field == "working_directory" {
        CODE_WORKING_DIRECTORY
    } else {
        "not_run"
    }
}

/// The working directory is not there or may not be entered.
pub(crate) const CODE_WORKING_DIRECTORY: &str = "working_directory";
