//! From a data directory to an enrolled runner.

use std::path::Path;

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

/// Locks the data directory and enrols, if that was not done before.
pub(super) async fn open(options: RunnerOptions, ambient: Ambient) -> Result<Runner, RunnerError> {
    let dir = DataDir::open(&options.data_dir)?;
    let lock = lock_runner(&dir).await?;
    let key = identity::load_or_create(&dir, &*ambient.entropy)?;
    let stored = Enrolled::load(&dir).map_err(RunnerError::Enrolled)?;
    let timing = options.timing;
    let (enrolled, dialer) = match stored {
        Some(enrolled) => reopen(&dir, enrolled, &options)?,
        None => first_start(&dir, &key, &options, &ambient).await?,
    };
    let mut supervisor = SupervisorProcess::new(dir, options.supervisor, timing.supervisor_start);
    // While the control plane is being dialled; a failure shows again when it is connected to.
    if let Err(error) = supervisor.warm_up().await {
        tracing::warn!(reason = super::with_sources(&error), "no supervisor yet");
    }
    Ok(Runner {
        key,
        enrolled,
        dialer,
        supervisor,
        timing,
        back_off: BackOff::new(timing.first_connect),
        was_connected: false,
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
    let dialer = dialer(url, options.ca_cert.as_deref(), &options.timing)?;
    let request = request(key, token);
    let reply = ask_until_answered(&dialer, &request, &options.timing, ambient).await?;
    let enrolled = Enrolled::new(url.clone(), options.ca_cert.clone(), reply);
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
