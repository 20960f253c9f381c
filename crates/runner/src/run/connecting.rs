//! From nothing to a connection on which the control plane has said welcome.

use std::path::Path;
use std::time::Duration;

use reoclo_domain::Entropy;
use reoclo_wire::handshake::{CloseCode, Machine, NONCE_BYTES};
use ring::signature::Ed25519KeyPair;

use super::introduction::{Failure, Introduction, Welcomed};
use super::{MachineFiles, Runner, RunnerError, State};
use crate::Ambient;
use crate::data_dir::DataDir;
use crate::dial::{Dialer, Io};
use crate::enrolled::Enrolled;
use crate::facts;
use crate::status::{self, Phase, Request};
use crate::upgrade;

impl Runner {
    pub(super) async fn connecting(&mut self) -> State {
        match self.attempt().await {
            Ok(connected) => connected,
            Err(failure) => self.failed(failure),
        }
    }

    async fn attempt(&mut self) -> Result<State, Failure> {
        let stream = tokio::select! {
            stream = self.dialer.dial() => stream?,
            never = self.supervisor.see_to_commands() => match never {},
        };
        // First, because the proof names it.
        let supervisor = self.supervisor.connect().await?;
        let limit = self.timing.handshake;
        let machine = machine(&self.dir, &self.machine).await;
        self.fingerprint = Some(machine.fingerprint());
        let silent = || Failure::Silent(self.dialer.address().authority.clone());
        let mut welcomed = tokio::time::timeout(limit, self.introduce(stream, machine))
            .await
            .unwrap_or_else(|_| Err(silent()))?;
        self.offer = welcomed.program.take();
        if let Some(key) = welcomed.pin.take() {
            self.pin(key);
        }
        Ok(State::Connected(Box::new(welcomed), supervisor))
    }

    /// From now on, nobody without this key is the control plane.
    fn pin(&mut self, key: String) {
        let pinned = self.enrolled.update(&self.dir, |enrolled| {
            enrolled.control_plane_key = Some(key);
        });
        match pinned {
            Ok(()) => tracing::info!("the control plane's key is known from now on"),
            Err(error) => tracing::warn!(%error, "the control plane's key could not be noted"),
        }
    }

    /// Where a failure leads.
    pub(super) fn failed(&mut self, failure: Failure) -> State {
        match failure {
            Failure::Ended { code, reason } if code.is_permanent() => {
                State::Closed(ended(code, reason))
            }
            Failure::Ended {
                code: CloseCode::AnotherMachine,
                reason,
            } => self.yielding(&reason, reason.clone()),
            Failure::Ended {
                code: CloseCode::Displaced,
                ..
            }
            | Failure::Closed {
                code: Some(CloseCode::Displaced),
                ..
            } => self.yielding(
                "another runner has connected as this server: is this machine or its data \
                 directory a copy?",
                "another runner has connected as this server".to_owned(),
            ),
            Failure::Answered { retry_after, .. } => self.waiting(&failure, retry_after),
            failure => self.waiting(&failure, None),
        }
    }

    /// Somebody else is connected with this identity: coming back at once would only displace
    /// them in turn, or be refused again.
    fn yielding(&self, said: &str, reason: String) -> State {
        let pause = self.back_off.longest(&self.ambient);
        tracing::error!(?pause, machine = self.fingerprint, "{said}");
        self.note(Phase::Waiting, Some(reason));
        State::Yielding(pause)
    }

    /// Asks for a WebSocket and proves who this is.
    async fn introduce(&self, stream: Box<dyn Io>, machine: Machine) -> Result<Welcomed, Failure> {
        let failed = upgrade::unreported(&self.dir);
        let reports = failed.is_some();
        let introduction = Introduction {
            dialer: &self.dialer,
            key: &self.key,
            enrolled: &self.enrolled,
            machine,
            nonce: nonce(&*self.ambient.entropy),
            upgrade_failed: failed,
        };
        let welcomed = introduction.run(stream).await?;
        if reports && let Err(error) = upgrade::note_reported(&self.dir) {
            tracing::warn!(%error, "a failed upgrade will be reported again");
        }
        Ok(welcomed)
    }
}

/// Whether the control plane could be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// It proved who it is, and said welcome or that this server's runner is to end.
    ControlPlane,
    /// Whoever answered, if somebody did, was somebody else.
    Nobody,
}

/// Tries to connect as this machine does.
pub(crate) async fn reach(data_dir: &Path, machine: &MachineFiles, ambient: &Ambient) -> Reached {
    let connected = super::opening::probe(data_dir, machine, ambient.clone()).await;
    match connected {
        Ok(()) | Err(RunnerError::Rejected(_) | RunnerError::Decommissioned) => {
            Reached::ControlPlane
        }
        Err(_) => Reached::Nobody,
    }
}

/// Gets a welcome and goes.
pub(super) async fn probe(
    dir: &DataDir,
    machine_files: &MachineFiles,
    dialer: &Dialer,
    (key, enrolled): (&Ed25519KeyPair, &Enrolled),
    entropy: &dyn Entropy,
    limit: Duration,
) -> Result<(), RunnerError> {
    let probing = async {
        let stream = dialer.dial().await?;
        let introduction = Introduction {
            dialer,
            key,
            enrolled,
            machine: machine(dir, machine_files).await,
            nonce: nonce(entropy),
            upgrade_failed: None,
        };
        let mut welcomed = introduction.run(stream).await?;
        // The welcome is all that was wanted.
        let _ = welcomed.socket.close(None).await;
        Ok(())
    };
    let silent = || Failure::Silent(dialer.address().authority.clone());
    let probed = tokio::time::timeout(limit, probing).await;
    match probed.unwrap_or_else(|_| Err(silent())) {
        Ok(()) => Ok(()),
        Err(Failure::Ended { code, reason }) if code.is_permanent() => Err(ended(code, reason)),
        Err(failure) => Err(RunnerError::NotConnected(super::with_sources(&failure))),
    }
}

/// The control plane's last word.
fn ended(code: CloseCode, reason: String) -> RunnerError {
    match code {
        CloseCode::Decommissioned => RunnerError::Decommissioned,
        _ => RunnerError::Rejected(reason),
    }
}

/// What tells this machine from a copy of it.
async fn machine(dir: &DataDir, files: &MachineFiles) -> Machine {
    let supervisor = status::ask(dir, Request::Status).await;
    Machine {
        boot_id: facts::boot_id(&files.boot_id),
        machine_id: facts::machine_id(&files.machine_id),
        instance_id: supervisor.map_or_else(|_| String::new(), |answer| answer.instance_id),
    }
}

fn nonce(entropy: &dyn Entropy) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    entropy.fill(&mut nonce);
    nonce
}
