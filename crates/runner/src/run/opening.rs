//! From a data directory to an enrolled runner.

use std::path::{Path, PathBuf};

use reoclo_domain::Secret;
use reoclo_wire::enrolment::{EnrolReply, EnrolRequest};
use ring::signature::Ed25519KeyPair;

use super::{Runner, RunnerError, RunnerOptions, RunnerTiming};
use crate::Ambient;
use crate::address::Address;
use crate::back_off::BackOff;
use crate::data_dir::DataDir;
use crate::dial::{self, Dialer};
use crate::enrol::{self, Failure};
use crate::enrolled::Enrolled;
use crate::facts;
use crate::identity;
use crate::lock::lock_runner;
use crate::supervisor_process::SupervisorProcess;
use crate::upgrade;

/// What an enrolment needs.
#[derive(Clone, Debug)]
pub struct EnrolRequestOptions {
    /// Where the identity is kept.
    pub data_dir: PathBuf,
    /// The control plane's address.
    pub url: String,
    /// The one-time enrolment token.
    pub token: Secret,
    /// A PEM file with authorities to trust besides those of the machine; stored too.
    pub ca_cert: Option<PathBuf>,
    /// Limits and pauses.
    pub timing: RunnerTiming,
}

/// Who this machine is.
#[derive(Clone, Debug)]
pub struct EnrolledServer {
    /// The server's id.
    pub server_id: String,
    /// The control plane's address.
    pub url: String,
    /// Whether this enrolment made it so.
    pub is_new: bool,
}

/// Enrols without starting a runner. A machine that is enrolled stays what it is, also while its
/// runner is running, unless the control plane has removed its server.
pub async fn enrol(
    options: EnrolRequestOptions,
    ambient: Ambient,
) -> Result<EnrolledServer, RunnerError> {
    let dir = DataDir::open(&options.data_dir)?;
    let stored = Enrolled::load(&dir).map_err(RunnerError::Enrolled)?;
    let (enrolled, is_new) = if let Some(enrolled) = stored.filter(|stored| !stored.removed) {
        (enrolled, false)
    } else {
        let _lock = lock_runner(&dir).await?;
        let key = identity::load_or_create(&dir, &*ambient.entropy)?;
        let (enrolled, _) = enrol_as_new(&dir, &key, &options, &ambient).await?;
        (enrolled, true)
    };
    Ok(EnrolledServer {
        server_id: enrolled.server_id,
        url: enrolled.url,
        is_new,
    })
}

/// Gets the control plane's welcome with this machine's identity, once, and goes.
pub async fn probe(data_dir: &Path, ambient: Ambient) -> Result<(), RunnerError> {
    let dir = DataDir::open_existing(data_dir)?;
    let key = identity::load_or_create(&dir, &*ambient.entropy)?;
    let stored = Enrolled::load(&dir).map_err(RunnerError::Enrolled)?;
    let enrolled = stored.ok_or(RunnerError::NotEnrolled)?;
    let timing = RunnerTiming::default();
    let dialer = dialer(&enrolled.url, enrolled.ca_cert.as_deref(), &timing)?;
    super::connecting::probe(&dialer, &key, &enrolled, timing.handshake)
        .await
        .map_err(|failure| RunnerError::Rejected(super::with_sources(&failure)))
}

/// Locks the data directory and enrols, if that was not done before.
pub(super) async fn open(options: RunnerOptions, ambient: Ambient) -> Result<Runner, RunnerError> {
    let dir = DataDir::open(&options.data_dir)?;
    let lock = lock_runner(&dir).await?;
    let key = identity::load_or_create(&dir, &*ambient.entropy)?;
    let stored = Enrolled::load(&dir).map_err(RunnerError::Enrolled)?;
    let timing = options.timing;
    let is_anew = options.token.is_some() && stored.as_ref().is_some_and(|stored| stored.removed);
    let (enrolled, dialer) = match stored.filter(|_| !is_anew) {
        Some(enrolled) => reopen(&dir, enrolled, &options)?,
        None => first_start(&dir, &key, &options, &ambient).await?,
    };
    let mut supervisor =
        SupervisorProcess::new(dir.clone(), options.supervisor, timing.supervisor_start);
    // While the control plane is being dialled; a failure shows again when it is connected to.
    if let Err(error) = supervisor.warm_up().await {
        tracing::warn!(reason = super::with_sources(&error), "no supervisor yet");
    }
    if let Some(upgrade) = &options.upgrade {
        upgrade::resume(&upgrade.program, &dir, upgrade.connect_within);
    }
    Ok(Runner {
        dir,
        key,
        enrolled,
        dialer,
        supervisor,
        timing,
        back_off: BackOff::new(timing.first_connect),
        was_connected: false,
        is_replacing: false,
        upgrade: options.upgrade,
        offer: None,
        ambient,
        _lock: lock,
    })
}

/// A later start: what is given now replaces what is stored.
fn reopen(
    dir: &DataDir,
    mut enrolled: Enrolled,
    options: &RunnerOptions,
) -> Result<(Enrolled, Dialer), RunnerError> {
    let before = enrolled.clone();
    if let Some(url) = &options.url {
        enrolled.url.clone_from(url);
    }
    if options.ca_cert.is_some() {
        enrolled.ca_cert.clone_from(&options.ca_cert);
    }
    let dialer = dialer(&enrolled.url, enrolled.ca_cert.as_deref(), &options.timing)?;
    if enrolled != before {
        enrolled.save(dir).map_err(RunnerError::Enrolled)?;
    }
    Ok((enrolled, dialer))
}

async fn first_start(
    dir: &DataDir,
    key: &Ed25519KeyPair,
    options: &RunnerOptions,
    ambient: &Ambient,
) -> Result<(Enrolled, Dialer), RunnerError> {
    let (Some(url), Some(token)) = (&options.url, &options.token) else {
        return Err(RunnerError::NotEnrolled);
    };
    let options = EnrolRequestOptions {
        data_dir: options.data_dir.clone(),
        url: url.clone(),
        token: token.clone(),
        ca_cert: options.ca_cert.clone(),
        timing: options.timing,
    };
    enrol_as_new(dir, key, &options, ambient).await
}

async fn enrol_as_new(
    dir: &DataDir,
    key: &Ed25519KeyPair,
    options: &EnrolRequestOptions,
    ambient: &Ambient,
) -> Result<(Enrolled, Dialer), RunnerError> {
    let EnrolRequestOptions {
        url,
        token,
        ca_cert,
        timing,
        ..
    } = options;
    let dialer = dialer(url, ca_cert.as_deref(), timing)?;
    let request = request(key, token);
    let reply = ask_until_answered(&dialer, &request, timing, ambient).await?;
    let enrolled = Enrolled::new(url.clone(), ca_cert.clone(), reply);
    enrolled.save(dir).map_err(RunnerError::Enrolled)?;
    tracing::info!(server_id = enrolled.server_id, "this server is enrolled");
    Ok((enrolled, dialer))
}

fn dialer(url: &str, ca_cert: Option<&Path>, timing: &RunnerTiming) -> Result<Dialer, RunnerError> {
    let address = Address::parse(url)?;
    let tls = address.tls.then(|| dial::connector(ca_cert)).transpose()?;
    Ok(Dialer::new(address, tls, timing.dial))
}

fn request(key: &Ed25519KeyPair, token: &Secret) -> EnrolRequest {
    EnrolRequest {
        token: token.expose().trim().to_owned(),
        public_key: identity::public_key(key),
        hostname: facts::hostname(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

async fn ask_until_answered(
    dialer: &Dialer,
    request: &EnrolRequest,
    timing: &RunnerTiming,
    ambient: &Ambient,
) -> Result<EnrolReply, RunnerError> {
    let mut back_off = BackOff::new(timing.first_connect);
    loop {
        let asked_for = match enrol::enrol(dialer, request, timing.handshake).await {
            Ok(reply) => return Ok(reply),
            Err(Failure::Permanent(error)) => return Err(error.into()),
            Err(Failure::Temporary {
                reason,
                retry_after,
            }) => {
                tracing::warn!(reason, "not enrolled yet");
                retry_after
            }
        };
        tokio::time::sleep(asked_for.unwrap_or_default() + back_off.pause(ambient)).await;
    }
}
