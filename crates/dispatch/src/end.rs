//! The end of an operation: its outcome is stored, told to who waits, and forgotten by the runner.

use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{
    EXIT_CANCELLED, EXIT_LOST, EXIT_NOT_RUN, EXIT_TIMEOUT, OperationState, Timestamp,
};
use reoclo_store::{AuditOutcome, LogEnd, NewAuditEvent, OperationOutcome, StoreError, Tail};
use reoclo_wire::proto::{Finished, finished::State};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::Dispatcher;
use crate::audit::{Draft, resource};
use crate::dispatch::Dispatch;
use crate::drive::Driver;
use crate::kinds::Rules;
use crate::live::Live;
use crate::verdict::Verdict;

/// A runner that comes back within a day after its operation was given up is still heard.
const LATE_RESULT: Duration = Duration::from_hours(24);

impl Dispatcher {
    /// Sees an operation through and stores how it ended. Runs in a task of its own, so that
    /// nobody who goes away takes the operation with them.
    pub(crate) async fn drive(&self, mut driver: Driver) {
        let verdict = driver.see_through().await;
        driver.complete_log(&verdict).await;
        self.end(driver.dispatch(), &verdict, driver.live()).await;
        if matches!(verdict, Verdict::Lost(_)) {
            self.hear_late_result(&mut driver).await;
        }
        let dispatch = driver.dispatch();
        self.seats().forget(dispatch.server, dispatch.id).await;
    }

    /// Stores how an operation ended, and tells whoever waits or reads.
    pub(crate) async fn end(&self, dispatch: &Dispatch, verdict: &Verdict, live: &Live) {
        let (mut outcome, log) = self.outcome(dispatch, verdict, live);
        if outcome.code.as_deref() == Some("lost") {
            self.tell_of_loss(dispatch, &mut outcome);
        }
        let took = self.now().since(dispatch.sendable_at);
        (dispatch.rules().tell)(&mut outcome, took);
        let stored = self.store_outcome(dispatch, outcome, log).await;
        live.end(Arc::new(stored));
        self.live().remove(dispatch.id);
    }

    /// What is lost took until now, as far as anybody knows, and may go on where nobody can see it.
    fn tell_of_loss(&self, dispatch: &Dispatch, outcome: &mut OperationOutcome) {
        if outcome.duration_us == 0 {
            let took = self.now().since(dispatch.sendable_at).as_micros();
            outcome.duration_us = i64::try_from(took).unwrap_or(i64::MAX);
        }
        let why = outcome.message.take().unwrap_or_default();
        outcome.message = Some(with_warning(why));
    }

    /// An operation whose intent may be stored although its request was refused.
    pub(crate) async fn store_not_begun(&self, dispatch: &Dispatch) {
        let verdict = Verdict::NotStarted("its intent could not be stored for certain".into());
        let (outcome, log) = self.outcome(dispatch, &verdict, &Live::new(dispatch.organization));
        self.store_outcome(dispatch, outcome, log).await;
    }

    /// Stores the outcome; one that the database does not take as it is has a plain one in its
    /// place, so that the operation ends. Answers what was stored.
    async fn store_outcome(
        &self,
        dispatch: &Dispatch,
        outcome: OperationOutcome,
        log: LogEnd,
    ) -> OperationOutcome {
        let Err(error) = self.store_in_time(dispatch, &outcome, log).await else {
            return outcome;
        };
        let reason = error.causes();
        tracing::error!(operation = %dispatch.id, reason, "an outcome could not be stored as it is");
        let plain = unstorable(outcome.completed_at);
        let stored = self.store_in_time(dispatch, &plain, LogEnd::default());
        if let Err(error) = stored.await {
            // The next start finds the operation without an outcome and looks again.
            let reason = error.causes();
            tracing::error!(operation = %dispatch.id, reason, "an outcome was not stored");
        }
        plain
    }

    /// Keeps trying for as long as the database cannot be reached: the runner keeps the result.
    /// What would fail again is not tried again.
    async fn store_in_time(
        &self,
        dispatch: &Dispatch,
        outcome: &OperationOutcome,
        log: LogEnd,
    ) -> Result<(), StoreError> {
        loop {
            let event = self.outcome_event(dispatch, outcome);
            let stored = self
                .store()
                .finish_operation_with_log(dispatch.id, outcome.clone(), log.clone(), vec![event])
                .await;
            match stored {
                Err(error) if error.may_pass() => {
                    self.complain("an outcome could not be stored yet", &error);
                    sleep(self.settings().retry_delay).await;
                }
                stored => return stored.map(drop),
            }
        }
    }

    fn outcome_event(&self, dispatch: &Dispatch, outcome: &OperationOutcome) -> NewAuditEvent {
        let successful = outcome.state == OperationState::Completed && outcome.exit_code == 0;
        let draft = Draft {
            action: "operation.end",
            resource: resource("operation", dispatch.id, Some(&dispatch.server_name)),
            outcome: if successful {
                AuditOutcome::Success
            } else {
                AuditOutcome::Failure
            },
            detail: json!({
                "operation": dispatch.kind.as_str(),
                "server_id": dispatch.server,
                "server_name": dispatch.server_name,
                "state": outcome.state.as_str(),
                "exit_code": outcome.exit_code,
                "code": outcome.code,
                "duration_ms": outcome.duration_us / 1000,
                "left_running": outcome.left_running,
                "still_held": outcome.still_held,
                "stdout_bytes": outcome.stdout.total,
                "stderr_bytes": outcome.stderr.total,
            }),
        };
        let starter = dispatch.starter.clone();
        self.event(dispatch.organization, starter, dispatch.source(), draft)
    }

    /// A result that comes after the operation was given up is audited; the state stays.
    async fn hear_late_result(&self, driver: &mut Driver) {
        let Ok(Verdict::Finished(finished)) = timeout(LATE_RESULT, driver.follow()).await else {
            return;
        };
        let dispatch = driver.dispatch();
        let draft = Draft {
            action: "operation.late_result",
            resource: resource("operation", dispatch.id, Some(&dispatch.server_name)),
            outcome: AuditOutcome::Failure,
            detail: json!({
                "operation": dispatch.kind.as_str(),
                "server_id": dispatch.server,
                "server_name": dispatch.server_name,
                "exit_code": finished.exit_code,
            }),
        };
        let starter = dispatch.starter.clone();
        let event = self.event(dispatch.organization, starter, dispatch.source(), draft);
        if let Err(error) = self.store().append_audit(vec![event]).await
            && !error.is_of_an_outage()
        {
            tracing::error!(operation = %dispatch.id, %error, "a late result was not audited");
        }
    }

    fn outcome(
        &self,
        dispatch: &Dispatch,
        verdict: &Verdict,
        live: &Live,
    ) -> (OperationOutcome, LogEnd) {
        let end = End::of(verdict, &dispatch.rules());
        let (stdout, stderr, log) = live.finish(end.stdout_bytes, end.stderr_bytes);
        let outcome = OperationOutcome {
            state: end.state,
            code: end.code.map(str::to_owned),
            message: end.message,
            exit_code: end.exit_code,
            signal: end.signal,
            duration_us: end.duration_us,
            left_running: end.left_running,
            still_held: end.still_held,
            stdout,
            stderr,
            completed_at: self.now(),
        };
        (outcome, log)
    }
}

/// Runners that have looked say so themselves.
fn with_warning(why: String) -> String {
    if why.contains("run it again") {
        return why;
    }
    format!(
        "{why}: it may have run, and may go on there, so look on the server before you run it again"
    )
}

/// In place of an outcome that the database does not take.
fn unstorable(completed_at: Timestamp) -> OperationOutcome {
    OperationOutcome {
        state: OperationState::Failed,
        code: Some("lost".to_owned()),
        message: Some(
            "the database did not take what the server reported of its end, so nobody can tell \
             how it ended: see the control plane's log"
                .to_owned(),
        ),
        exit_code: EXIT_LOST,
        signal: None,
        duration_us: 0,
        left_running: 0,
        still_held: 0,
        stdout: Tail::default(),
        stderr: Tail::default(),
        completed_at,
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
    left_running: i64,
    still_held: i64,
    stdout_bytes: u64,
    stderr_bytes: u64,
}

impl End {
    fn of(verdict: &Verdict, rules: &Rules) -> Self {
        match verdict {
            Verdict::Finished(finished) => Self::reported(finished, rules),
            Verdict::NotStarted(why) => Self::unreported("not_started", EXIT_NOT_RUN, why),
            Verdict::Busy => Self::unreported(
                "server_busy",
                EXIT_NOT_RUN,
                "the server runs as many operations as it may",
            ),
            Verdict::QueueTimeout => Self::unreported(
                "queue_timeout",
                EXIT_NOT_RUN,
                "the server had no room for it in time, so it was never started",
            ),
            Verdict::Cancelled => Self::unreported(
                "cancelled",
                EXIT_CANCELLED,
                "it was cancelled before it started",
            ),
            Verdict::Rebooted => Self {
                state: OperationState::Completed,
                code: None,
                exit_code: 0,
                ..Self::unreported("", 0, "the server is back with a new boot")
            },
            Verdict::NotRebooted => Self {
                state: OperationState::Timeout,
                code: None,
                ..Self::unreported(
                    "",
                    EXIT_TIMEOUT,
                    "the server did not come back with a new boot in time",
                )
            },
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
            left_running: 0,
            still_held: 0,
            stdout_bytes: 0,
            stderr_bytes: 0,
        }
    }

    fn reported(finished: &Finished, rules: &Rules) -> Self {
        let (state, code) = match finished.state() {
            State::Completed => match (rules.found)(&finished.code) {
                Some(code) => (OperationState::Failed, Some(code)),
                None => (OperationState::Completed, None),
            },
            State::TimedOut => (OperationState::Timeout, None),
            State::Cancelled => (OperationState::Failed, Some("cancelled")),
            State::NotRun => (
                OperationState::Failed,
                Some((rules.not_run)(&finished.field)),
            ),
            State::Lost | State::Unspecified => (OperationState::Failed, Some("lost")),
        };
        Self {
            state,
            code,
            message: (!finished.message.is_empty()).then(|| finished.message.clone()),
            exit_code: finished.exit_code,
            signal: (finished.signal != 0).then_some(finished.signal),
            duration_us: i64::try_from(finished.duration_us).unwrap_or(i64::MAX),
            left_running: finished.left_running.into(),
            still_held: finished.still_held.into(),
            stdout_bytes: finished.stdout_bytes,
            stderr_bytes: finished.stderr_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use reoclo_domain::OperationKind;

    use super::*;
    use crate::kinds::rules;

    const LOGINS: [OperationKind; 2] =
        [OperationKind::RegistryLogin, OperationKind::RegistryLogout];

    fn ended(kind: OperationKind, code: &str, exit_code: i32) -> OperationOutcome {
        let finished = Finished {
            state: State::Completed.into(),
            exit_code,
            code: code.to_owned(),
            message: "why".to_owned(),
            ..Finished::default()
        };
        let end = End::reported(&finished, &rules(kind));
        OperationOutcome {
            state: end.state,
            code: end.code.map(str::to_owned),
            message: end.message,
            exit_code: end.exit_code,
            ..unstorable(Timestamp::from_micros(0))
        }
    }

    #[test]
    fn what_a_runner_finds_of_a_login_fails_and_its_other_words_mean_nothing() {
        for kind in LOGINS {
            for code in ["login_missing", "login_remains", "login_unknown"] {
                let outcome = ended(kind, code, 1);
                assert_eq!(outcome.state, OperationState::Failed);
                assert_eq!(outcome.code.as_deref(), Some(code));
                assert_eq!(outcome.message.as_deref(), Some("why"));
            }
            for code in ["", "lost", "login_remains ", "\u{202e}"] {
                let outcome = ended(kind, code, 1);
                assert_eq!(outcome.state, OperationState::Completed, "{code}");
                assert_eq!(outcome.code, None);
            }
        }
        let command = ended(OperationKind::Exec, "login_remains", 1);
        assert_eq!(command.state, OperationState::Completed);
    }

    #[test]
    fn whoever_lost_an_operation_is_told_to_look_before_it_runs_again() {
        let told = with_warning("the server no longer knows the operation".into());
        assert!(told.starts_with("the server no longer knows the operation: it may"));
        assert!(told.ends_with("before you run it again"));
        assert_eq!(with_warning(told.clone()), told);
    }

    /// Runners that do not look themselves have Docker's exit code alone.
    #[test]
    fn a_logout_that_docker_did_not_end_well_has_failed() {
        let kind = OperationKind::RegistryLogout;
        let tell = |outcome: &mut OperationOutcome| (rules(kind).tell)(outcome, Duration::ZERO);
        let mut outcome = ended(kind, "", 7);
        outcome.message = None;
        tell(&mut outcome);
        assert_eq!(outcome.state, OperationState::Failed);
        assert_eq!(outcome.code.as_deref(), Some("login_unknown"));
        assert!(outcome.message.unwrap().contains("exit code 7"));
        for (code, exit_code) in [("", 0), ("login_remains", 1)] {
            let (before, mut after) = (ended(kind, code, exit_code), ended(kind, code, exit_code));
            tell(&mut after);
            assert_eq!(after, before);
        }
    }
}
