//! The runner: holds the identity, keeps one connection to the control plane, and passes bytes
//! between it and the supervisor.

mod connected;
mod connecting;
mod enrolling;
mod error;
mod introduction;
mod opening;
mod options;

use std::convert::Infallible;
use std::time::Duration;

use reoclo_wire::handshake::ProgramOffer;
use ring::signature::Ed25519KeyPair;
use tokio::net::UnixStream;

pub(crate) use connecting::{Reached, reach};
pub use enrolling::{EnrolRequestOptions, EnrolledServer, enrol};
pub use error::RunnerError;
pub(crate) use error::with_sources;
pub use opening::probe;
pub use options::{MachineFiles, RunnerOptions, RunnerTiming};

use crate::back_off::BackOff;
use crate::data_dir::DataDir;
use crate::dial::Dialer;
use crate::enrolled::Enrolled;
use crate::lock::Lock;
use crate::orphans;
use crate::status::{Phase, PhaseFile};
use crate::supervisor_process::SupervisorProcess;
use crate::{Ambient, UpgradeOptions};

use introduction::Welcomed;

/// Runs until `shutdown` ends, or until the control plane says that it is pointless to go on. The
/// supervisor and its commands stay.
pub async fn run(
    options: RunnerOptions,
    ambient: Ambient,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunnerError> {
    let running = async {
        let mut runner = opening::open(options, ambient).await?;
        runner.keep_connected().await
    };
    let reaping = async {
        // This may be the first process of a container.
        orphans::reap_orphans().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = running => ended,
        () = shutdown => Ok(()),
        () = reaping => Ok(()),
    }
}

/// An enrolled runner.
struct Runner {
    key: Ed25519KeyPair,
    dir: DataDir,
    enrolled: Enrolled,
    dialer: Dialer,
    supervisor: SupervisorProcess,
    timing: RunnerTiming,
    ambient: Ambient,
    back_off: BackOff,
    /// Whether this process had a connection at all.
    was_connected: bool,
    /// Another supervisor is to take the place of the one that is there.
    is_replacing: bool,
    machine: MachineFiles,
    /// What the machine was called when it last introduced itself.
    fingerprint: Option<String>,
    upgrade: Option<UpgradeOptions>,
    /// The program that the control plane has, as its last welcome said.
    offer: Option<ProgramOffer>,
    _lock: Lock,
}

/// Between two signs of life to the supervisor: shorter than the time after which it ends.
const HOLD: Duration = Duration::from_secs(2);

/// Where the connection stands.
enum State {
    Connecting,
    /// The control plane knows us and the supervisor listens.
    Connected(Box<Welcomed>, UnixStream),
    /// Until the next attempt.
    Waiting(Duration),
    /// The same, while another runner is connected as this server.
    Yielding(Duration),
    /// For good.
    Closed(RunnerError),
}

impl Runner {
    async fn keep_connected(&mut self) -> Result<(), RunnerError> {
        let mut state = State::Connecting;
        loop {
            state = match state {
                State::Connecting => self.connecting().await,
                State::Connected(welcomed, supervisor) => {
                    self.connected(*welcomed, supervisor).await
                }
                State::Waiting(pause) => {
                    let seen_to = self.supervisor.see_to_commands();
                    let _: Result<Infallible, _> = tokio::time::timeout(pause, seen_to).await;
                    State::Connecting
                }
                State::Yielding(pause) => {
                    self.hold_supervisor(pause).await;
                    State::Connecting
                }
                State::Closed(error) => return Err(self.closed(error)),
            };
        }
    }

    /// Waits, and keeps the supervisor from ending because nobody needs it: a new one would be
    /// another machine to the control plane, and a decision about this one would not find it.
    async fn hold_supervisor(&mut self, pause: Duration) {
        let held = async {
            loop {
                // One that cannot be started is no worse than before.
                let _ = self.supervisor.connect().await;
                tokio::time::sleep(HOLD).await;
            }
        };
        let _: Result<(), _> = tokio::time::timeout(pause, held).await;
    }

    /// A server that was removed is remembered as such, so that a new token enrols another.
    fn closed(&mut self, error: RunnerError) -> RunnerError {
        if matches!(error, RunnerError::Decommissioned) {
            let noted = self
                .enrolled
                .update(&self.dir, |enrolled| enrolled.removed = true);
            if let Err(error) = noted {
                tracing::warn!(%error, "it could not be noted that the server was removed");
            }
        }
        error
    }

    /// The state after a failure that may pass.
    fn waiting(&mut self, reason: &dyn std::error::Error, asked_for: Option<Duration>) -> State {
        let pause = asked_for.unwrap_or_default() + self.back_off.pause(&self.ambient);
        let reason = with_sources(reason);
        tracing::warn!(reason, ?pause, "not connected to the control plane");
        self.note(Phase::Waiting, Some(reason));
        State::Waiting(pause)
    }

    /// For `reoclo runner status`; nothing else depends on it.
    fn note(&self, phase: Phase, reason: Option<String>) {
        let state = PhaseFile {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            phase,
            since: self.ambient.clock.now().as_micros(),
            reason,
            machine: self.fingerprint.clone(),
        };
        if let Err(error) = state.save(&self.dir) {
            tracing::warn!(%error, "the state of the connection could not be written down");
        }
    }
}
