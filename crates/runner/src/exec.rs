//! Runs a command: a cleared environment, its own process group, a limit on its time.

mod capture;
mod child;
mod docker;
mod exit;
mod pump;
mod request;
mod user;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{Clock, EXIT_CANCELLED, EXIT_LOST, EXIT_NOT_RUN, EXIT_TIMEOUT};
use reoclo_wire::proto::Finished;
use reoclo_wire::proto::finished::State;
use rustix::process::Signal;
use tokio::sync::MutexGuard;
use tokio::time::{Sleep, sleep};

use child::{Child, SpawnError};
pub(crate) use docker::DockerCli;
use exit::Exit;
use pump::Pumps;
use request::Program;
pub(crate) use request::Request;
pub(crate) use user::User;
pub use user::{UserError, check_exec_user};

use crate::operation::Operation;

/// How long things may take around a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From TERM to KILL.
    pub(crate) kill_grace: Duration,
    /// From the end of the process to the end of what it left in its pipes.
    pub(crate) drain_grace: Duration,
}

/// What ended the wait for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Exited,
    TimedOut,
    Cancelled,
}

/// Runs the request as `user`, with its output going to `operation`.
pub(crate) async fn run(
    request: Request,
    user: &User,
    operation: &Arc<Operation>,
    patience: Patience,
    clock: &Arc<dyn Clock>,
) -> Finished {
    let mut limit = pin!(sleep(request.timeout));
    let _turn = match turn(&request, limit.as_mut(), operation).await {
        Ok(turn) => turn,
        Err(ending) => return finished(ending, Exit::default(), request.timeout, Duration::ZERO),
    };
    let started = clock.monotonic();
    let (mut child, pipes) = match child::spawn(&request, user) {
        Ok(spawned) => spawned,
        Err(error) => return not_run(&error),
    };
    let mut pumps = Pumps::new(pipes, &request.patterns, operation, clock);
    let ending = ending(&mut child, &mut pumps, limit.as_mut(), operation).await;
    operation.hurry();
    if ending != Ending::Exited {
        terminate(&mut child, &mut pumps, patience.kill_grace).await;
    }
    let duration = clock.monotonic().saturating_sub(started);
    let exit = child.reap();
    pumps.drain(patience.drain_grace).await;
    finished(ending, exit, request.timeout, duration)
}

fn not_run(error: &SpawnError) -> Finished {
    Finished {
        state: State::NotRun.into(),
        exit_code: EXIT_NOT_RUN,
        message: error.to_string(),
        field: error.field().to_owned(),
        ..Finished::default()
    }
}

/// An operation that nobody can say anything about any more.
pub(crate) fn lost() -> Finished {
    Finished {
        state: State::Lost.into(),
        exit_code: EXIT_LOST,
        message: "the supervisor failed while the command ran".to_owned(),
        ..Finished::default()
    }
}

/// Waits until the command may start, when it is one of those that run one at a time.
async fn turn<'r>(
    request: &'r Request,
    limit: Pin<&mut Sleep>,
    operation: &Operation,
) -> Result<Option<MutexGuard<'r, ()>>, Ending> {
    let Program::Docker(call) = &request.program else {
        return Ok(None);
    };
    tokio::select! {
        biased;
        turn = call.cli.turn().lock() => Ok(Some(turn)),
        () = operation.cancelled() => Err(Ending::Cancelled),
        () = limit => Err(Ending::TimedOut),
    }
}

/// Waits for the process, reading its output meanwhile.
async fn ending(
    child: &mut Child,
    pumps: &mut Pumps,
    mut limit: Pin<&mut Sleep>,
    operation: &Operation,
) -> Ending {
    let mut cancelled = pin!(operation.cancelled());
    loop {
        tokio::select! {
            biased;
            () = child.exited() => return Ending::Exited,
            () = cancelled.as_mut() => return Ending::Cancelled,
            () = limit.as_mut() => return Ending::TimedOut,
            () = pumps.done(), if !pumps.are_done() => {}
        }
    }
}

/// TERM to the group; KILL when the grace is over, or once the process has ended and nobody holds
/// its pipes any more. The process is not reaped before, so that its group's number cannot have
/// been taken by another.
async fn terminate(child: &mut Child, pumps: &mut Pumps, grace: Duration) {
    child.signal(Signal::TERM);
    let gone = async { tokio::join!(child.exited(), pumps.done()) };
    let _ = tokio::time::timeout(grace, gone).await;
    child.signal(Signal::KILL);
    child.exited().await;
}

fn finished(ending: Ending, exit: Exit, timeout: Duration, duration: Duration) -> Finished {
    let (state, exit_code, message) = match ending {
        Ending::Exited => (State::Completed, exit.code, String::new()),
        Ending::TimedOut => (
            State::TimedOut,
            EXIT_TIMEOUT,
            format!("stopped after {} seconds", timeout.as_secs()),
        ),
        Ending::Cancelled => (State::Cancelled, EXIT_CANCELLED, "cancelled".to_owned()),
    };
    Finished {
        state: state.into(),
        exit_code,
        signal: exit.signal,
        message,
        duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        ..Finished::default()
    }
}
