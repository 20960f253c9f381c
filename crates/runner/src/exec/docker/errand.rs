//! A login and a logout from end to end. What Docker says of itself is no proof: it ends with 0 when
//! a login stays that it could not remove. So the runner looks afterwards, where Docker would.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reoclo_domain::masking::Patterns;
use reoclo_domain::{Clock, EXIT_NOT_RUN, RegistryAddress, counted};
use reoclo_wire::proto::Finished;
use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::output::Stream;
use tokio::time::Sleep;

use super::super::quiet::{Asker, Unasked};
use super::super::request::Program;
use super::super::{Ending, Exit, Means, Request, User, finished, run_command};
use super::DockerCall;
use super::helper;
use super::holders::Shared;
use super::sight::{Looker, Sight};
use crate::operation::Operation;

/// Docker said that it is logged in, and is not.
const MISSING: &str = "login_missing";
/// Docker said that it is logged out, and is not.
const REMAINS: &str = "login_remains";
/// It cannot be seen which it is.
const UNKNOWN: &str = "login_unknown";
/// Names of one registry that are removed one by one.
const MOST_NAMES: usize = 32;

/// What a call of Docker's command line is for.
#[derive(Clone, Debug)]
pub(in super::super) struct Errand {
    pub(super) registry: RegistryAddress,
    /// For whom; nobody when it is empty.
    pub(super) holder: String,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Log in as this user.
    Login(String),
    Logout,
}

/// One errand, with what it needs.
struct Work<'a> {
    errand: &'a Errand,
    /// What is hidden in whatever is said.
    patterns: &'a Patterns,
    looker: Looker<'a>,
    operation: &'a Arc<Operation>,
    clock: &'a Arc<dyn Clock>,
    shared: Shared,
}

/// Runs a login or logout, whose turn it is.
pub(in super::super) async fn run(
    request: &Request,
    (call, errand): (&DockerCall, &Errand),
    user: &User,
    operation: &Arc<Operation>,
    means: &Means,
    clock: &Arc<dyn Clock>,
    limit: Pin<&mut Sleep>,
) -> Finished {
    let asker = Asker {
        user,
        operation,
        means,
    };
    let looker = Looker::new(call, &errand.registry, asker);
    let work = Work {
        errand,
        patterns: &request.patterns,
        operation,
        clock,
        shared: Shared {
            config: looker.file().to_string_lossy().into_owned(),
            registry: errand.registry.canonical_name(),
        },
        looker,
    };
    match &errand.what {
        What::Login(username) => work.login(request, username, limit).await,
        What::Logout => work.logout(request, limit).await,
    }
}

impl Work<'_> {
    async fn login(
        &self,
        request: &Request,
        username: &str,
        mut limit: Pin<&mut Sleep>,
    ) -> Finished {
        // Before there is a login, so that none is there that nobody holds.
        let is_new = match self.hold().await {
            Ok(is_new) => is_new,
            Err(finished) => return finished,
        };
        let mut finished = self.run_docker(request, limit.as_mut()).await;
        if is_success(&finished) {
            match self.looker.look(limit).await {
                Ok(sight) => self.judge_login(&sight, username, &mut finished),
                Err(ending) => finished = ended(ending, request),
            }
        }
        if is_new && !is_success(&finished) {
            warn(self.release().await);
        }
        finished
    }

    fn judge_login(&self, sight: &Sight, username: &str, finished: &mut Finished) {
        if sight.is_of(username) {
            return;
        }
        let registry = self.errand.registry.canonical_name();
        if sight.is_there() {
            let why = format!(
                "docker login said that it succeeded, but the login to {registry} that is in {} \
                 is another user's: see whether docker on this server is a program of its own \
                 that keeps logins elsewhere",
                sight.places()
            );
            return self.fail(finished, MISSING, &why);
        }
        if sight.is_whole() {
            let why = format!(
                "docker login said that it succeeded, but there is no login to {registry} in {}: \
                 see whether docker on this server is a program of its own that keeps logins \
                 elsewhere, and start the runner with DOCKER_CONFIG if so",
                self.looker.shown_file()
            );
            return self.fail(finished, MISSING, &why);
        }
        let why = format!(
            "docker login said that it succeeded, but nobody can see whether the login to \
             {registry} is there: {}",
            sight.unknown()
        );
        self.fail(finished, UNKNOWN, &why);
    }

    async fn logout(&self, request: &Request, mut limit: Pin<&mut Sleep>) -> Finished {
        let others = match self.others().await {
            Ok(others) => others,
            Err(finished) => return finished,
        };
        if others > 0 {
            match self.looker.look(limit.as_mut()).await {
                Ok(sight) if sight.is_gone() => {}
                Ok(_) => return self.leave(others).await,
                Err(ending) => return ended(ending, request),
            }
        }
        warn(self.release().await);
        if let Err(why) = self.looker.read().await {
            // Docker takes what it understands of such a file and may write no more than that.
            return self.unreadable(why);
        }
        let mut finished = self.run_docker(request, limit.as_mut()).await;
        if finished.state() != State::Completed || finished.signal != 0 {
            return finished;
        }
        match self.remove(limit).await {
            Ok(sight) if sight.is_gone() => {
                warn(self.looker.cli().holders().forget(&self.shared).await);
                if finished.exit_code != 0 {
                    finished.message = format!(
                        "docker logout ended with exit code {}, and the login is gone",
                        finished.exit_code
                    );
                    finished.exit_code = 0;
                }
            }
            Ok(sight) => self.judge_logout(&sight, &mut finished),
            Err(ending) => finished = ended(ending, request),
        }
        finished
    }

    /// Others still need the login.
    async fn leave(&self, others: usize) -> Finished {
        if let Err(error) = self.release().await {
            return not_run(&format!(
                "cannot note that the login is not held any more ({error})"
            ));
        }
        let them = match others {
            1 => "1 other still holds".to_owned(),
            more => format!("{} still hold", counted(more, "other")),
        };
        Finished {
            state: State::Completed.into(),
            message: format!(
                "the login to {} stays on the server, since {them} it: it goes with \
                 the last logout, and a hold ends by itself after 24 hours",
                self.errand.registry.canonical_name()
            ),
            still_held: u32::try_from(others).unwrap_or(u32::MAX),
            ..Finished::default()
        }
    }

    fn unreadable(&self, why: String) -> Finished {
        let mut finished = Finished {
            state: State::Completed.into(),
            ..Finished::default()
        };
        self.judge_logout(&Sight::of_nothing(why), &mut finished);
        finished
    }

    fn judge_logout(&self, sight: &Sight, finished: &mut Finished) {
        let registry = self.errand.registry.canonical_name();
        if !sight.is_there() {
            let why = format!(
                "nobody can see whether the login to {registry} is gone: {}, and log out again",
                sight.unknown()
            );
            return self.fail(finished, UNKNOWN, &why);
        }
        let mut why = format!("the login to {registry} is still in {}", sight.places());
        if !sight.is_whole() {
            let _ = write!(why, "; {}", sight.unknown());
        } else if sight.helpers.is_empty() {
            let _ = write!(
                why,
                ", where docker logout could not remove it: let the user {} write that file and \
                 its directory, or take the entry out there",
                self.looker.asker().user.name()
            );
        } else {
            let _ = write!(
                why,
                ": remove it with that program, or take the program out of credHelpers or \
                 credsStore in {}",
                self.looker.shown_file()
            );
        }
        self.fail(finished, REMAINS, &why);
    }

    /// Docker removes few of the names by which it, or a helper, would find the login again: the
    /// others are removed one by one.
    async fn remove(&self, mut limit: Pin<&mut Sleep>) -> Result<Sight, Ending> {
        let sight = self.looker.look(limit.as_mut()).await?;
        if !sight.is_there() {
            return Ok(sight);
        }
        for (_, name) in sight.filed.iter().take(MOST_NAMES) {
            let request = Request {
                program: Program::Docker(self.looker.cli().to_call(
                    logout_args(name.clone()),
                    None,
                    None,
                )),
                ..Request::default()
            };
            match self.looker.asker().ask(&request, limit.as_mut()).await {
                Err(Unasked::Ended(ending)) => return Err(ending),
                // What it did is looked at.
                Ok(_) | Err(Unasked::NotStarted(_)) => {}
            }
        }
        for (helper, name) in sight.helpers.iter().take(MOST_NAMES) {
            let (cli, asker) = (self.looker.cli(), self.looker.asker());
            helper::erase(helper, name, cli, asker, limit.as_mut()).await?;
        }
        self.looker.look(limit).await
    }

    /// The operation ended well as far as Docker is concerned, and yet it did not.
    fn fail(&self, finished: &mut Finished, code: &str, why: &str) {
        let why = self.patterns.masked(why);
        if finished.exit_code == 0 {
            finished.exit_code = 1;
        }
        // Clients show this when something failed.
        let line = Bytes::from(format!("reoclo: {why}\n"));
        self.operation.append(Stream::Stderr, line);
        self.operation.announce();
        code.clone_into(&mut finished.code);
        finished.message = why;
    }

    async fn run_docker(&self, request: &Request, limit: Pin<&mut Sleep>) -> Finished {
        let Asker { user, means, .. } = self.looker.asker();
        run_command(request, user, self.operation, means, self.clock, limit).await
    }

    async fn hold(&self) -> Result<bool, Finished> {
        if self.errand.holder.is_empty() {
            return Ok(false);
        }
        let held = self
            .looker
            .cli()
            .holders()
            .hold(&self.shared, &self.errand.holder);
        held.await
            .map_err(|error| not_run(&format!("cannot note who holds the login ({error})")))
    }

    async fn others(&self) -> Result<usize, Finished> {
        let others = self
            .looker
            .cli()
            .holders()
            .others(&self.shared, &self.errand.holder);
        others
            .await
            .map_err(|error| not_run(&format!("cannot see who else holds the login ({error})")))
    }

    async fn release(&self) -> std::io::Result<()> {
        self.looker
            .cli()
            .holders()
            .release(&self.shared, &self.errand.holder)
            .await
    }
}

/// The arguments of a logout.
pub(super) fn logout_args(name: String) -> Vec<String> {
    vec!["logout".to_owned(), "--".to_owned(), name]
}

fn is_success(finished: &Finished) -> bool {
    finished.state() == State::Completed && finished.exit_code == 0
}

fn not_run(why: &str) -> Finished {
    Finished {
        state: State::NotRun.into(),
        exit_code: EXIT_NOT_RUN,
        message: format!(
            "{why}: see whether the runner's data directory can be written and its disk is full"
        ),
        ..Finished::default()
    }
}

fn ended(ending: Ending, request: &Request) -> Finished {
    finished(ending, Exit::default(), request.timeout, Duration::ZERO)
}

fn warn(done: std::io::Result<()>) {
    if let Err(error) = done {
        tracing::warn!(%error, "it could not be noted who holds a registry login");
    }
}
