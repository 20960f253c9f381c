//! Runs a command: a cleared environment, a process group and, where there can be one, a cgroup
//! of its own, a limit on its time.

mod capture;
mod cgroup;
mod child;
mod docker;
mod drain;
mod exit;
mod launch;
mod look;
mod pump;
mod quiet;
mod request;
mod script;
mod stop;
mod take_over;
mod tree;
mod user;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{Clock, EXIT_CANCELLED, EXIT_LOST, EXIT_NOT_RUN, EXIT_TIMEOUT, counted};
use reoclo_wire::proto::Finished;
use reoclo_wire::proto::finished::State;
use tokio::time::{Sleep, sleep};

pub(crate) use cgroup::Groups;
use child::{Child, SpawnError};
pub(crate) use docker::DockerCli;
use docker::Turn;
pub use drain::DrainCommand;
pub(crate) use drain::Drainer;
use exit::Exit;
use pump::Pumps;
use request::Program;
pub(crate) use request::Request;
pub(crate) use take_over::TakenOver;
use user::User;
pub(crate) use user::Users;
pub use user::{NameError, UserError, UserLookup, check_exec_user};

use crate::operation::Operation;

/// How long things may take around a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// From TERM to KILL.
    pub(crate) kill_grace: Duration,
    /// From KILL to the moment at which what has not ended is named.
    pub(crate) kill_wait: Duration,
    /// From the end of the process to the end of what it left in its pipes.
    pub(crate) drain_grace: Duration,
    /// How long a URL at the end of the output is held back, which may have a password.
    pub(crate) url_grace: Duration,
}

/// What commands are run with.
pub(crate) struct Means {
    pub(crate) users: Users,
    pub(crate) patience: Patience,
    pub(crate) groups: Arc<Groups>,
    pub(crate) drainer: Drainer,
}

/// What ended the wait for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Exited,
    TimedOut,
    Cancelled,
}

/// Runs the request, with its output going to `operation`.
pub(crate) async fn run(
    request: Request,
    operation: &Arc<Operation>,
    means: &Means,
    clock: &Arc<dyn Clock>,
) -> Finished {
    let user = match user(&request, &means.users, operation).await {
        Ok(Ok(user)) => user,
        Ok(Err(error)) => return not_run(&error.into(), &request),
        Err(ending) => return finished(ending, Exit::default(), request.timeout, Duration::ZERO),
    };
    // From here on: a look-up takes none of the command's time.
    let mut limit = pin!(sleep(request.timeout));
    if let Some(journal) = operation.journal() {
        journal.is_limited_to(request.timeout);
    }
    let _turn = match turn(&request, limit.as_mut(), operation).await {
        Ok(turn) => turn,
        Err(ending) => return finished(ending, Exit::default(), request.timeout, Duration::ZERO),
    };
    if let Program::Docker(call) = &request.program
        && let Some(errand) = &call.errand
    {
        let asked = (call, errand);
        let running = docker::run(&request, asked, &user, operation, means, clock, limit);
        // On the heap, so that no other operation has to be as large.
        return Box::pin(running).await;
    }
    run_command(&request, &user, operation, means, clock, limit).await
}

/// Runs what the request has to be started, within the time that is left.
async fn run_command(
    request: &Request,
    user: &User,
    operation: &Arc<Operation>,
    means: &Means,
    clock: &Arc<dyn Clock>,
    limit: Pin<&mut Sleep>,
) -> Finished {
    let started = clock.monotonic();
    let spawned = child::spawn(request, user, operation, &means.groups);
    let (mut child, pipes) = match spawned {
        Ok(spawned) => spawned,
        Err(error) => return not_run(&error, request),
    };
    let mut pumps = Pumps::new(
        pipes,
        &request.patterns,
        operation,
        clock,
        means.patience.url_grace,
    );
    let ending = ending(&mut child, &mut pumps, limit, operation).await;
    operation.hurry();
    let unended = match ending {
        Ending::Exited => Vec::new(),
        Ending::TimedOut | Ending::Cancelled => {
            stop::stop(&mut child, &mut pumps, means.patience).await
        }
    };
    let duration = clock.monotonic().saturating_sub(started);
    let exit = child.reap();
    let open = pumps.drain(means.patience.drain_grace).await;
    let left_running = match ending {
        Ending::Exited => left_running(&child).await,
        Ending::TimedOut | Ending::Cancelled => 0,
    };
    // Before anybody hears of the end: from here on nothing that happens to this process matters
    // to what the command left.
    means.drainer.take_over(open);
    let mut finished = finished(ending, exit.unwrap_or_default(), request.timeout, duration);
    finished.left_running = left_running;
    finished.message += &stop::words(&unended);
    if ending != Ending::Exited || left_running > 0 {
        finished.message += stop::blindness();
    }
    if let Some(alone) = finished.message.strip_prefix("; ") {
        finished.message = alone.to_owned();
    }
    if exit.is_none() {
        tokio::spawn(async move { child.reap_later().await });
    }
    finished
}

/// How many processes go on.
async fn left_running(child: &Child) -> u32 {
    let tree = child.tree();
    if !tree.may_be_alive() {
        return 0;
    }
    tokio::task::spawn_blocking(move || tree.count())
        .await
        .unwrap_or(0)
}

fn not_run(error: &SpawnError, request: &Request) -> Finished {
    Finished {
        state: State::NotRun.into(),
        exit_code: EXIT_NOT_RUN,
        message: request.patterns.masked(&error.to_string()),
        field: error.field().to_owned(),
        ..Finished::default()
    }
}

/// An operation that nobody can say anything about any more.
pub(crate) fn lost() -> Finished {
    Finished {
        state: State::Lost.into(),
        exit_code: EXIT_LOST,
        message:
            "the supervisor failed while the command ran, which may go on: look on the server \
                  before you run it again"
                .to_owned(),
        ..Finished::default()
    }
}

/// Finds out as whom the command runs.
async fn user(
    request: &Request,
    users: &Users,
    operation: &Operation,
) -> Result<Result<User, UserError>, Ending> {
    tokio::select! {
        biased;
        user = users.find(request.program.who()) => Ok(user),
        () = operation.cancelled() => Err(Ending::Cancelled),
        () = sleep(request.timeout) => Err(Ending::TimedOut),
    }
}

/// Waits until the command may start, when it is one of those that run one at a time.
async fn turn<'r>(
    request: &'r Request,
    limit: Pin<&mut Sleep>,
    operation: &Operation,
) -> Result<Option<Turn<'r>>, Ending> {
    let Program::Docker(call) = &request.program else {
        return Ok(None);
    };
    tokio::select! {
        biased;
        turn = call.cli.turn() => Ok(Some(turn)),
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

fn finished(ending: Ending, exit: Exit, timeout: Duration, duration: Duration) -> Finished {
    let (state, exit_code, message) = match ending {
        Ending::Exited => (State::Completed, exit.code, String::new()),
        Ending::TimedOut => (
            State::TimedOut,
            EXIT_TIMEOUT,
            format!("stopped after {}", counted(timeout.as_secs(), "second")),
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
