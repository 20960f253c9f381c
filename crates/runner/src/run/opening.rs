//! From a data directory to an enrolled runner.

use std::path::Path;

use super::enrolling::{Attempts, EnrolRequestOptions, dialer, fingerprint};
use super::{MachineFiles, Runner, RunnerError, RunnerOptions, RunnerTiming};
use crate::Ambient;
use crate::back_off::BackOff;
use crate::data_dir::DataDir;
use crate::dial::Dialer;
use crate::enrol::EnrolError;
use crate::enrolled::Enrolled;
use crate::identity;
use crate::lock::{lock_enrolment, lock_runner};
use crate::supervisor_process::SupervisorProcess;
use crate::upgrade;

/// Gets the control plane's welcome with this machine's identity, once, and goes.
pub async fn probe(
    data_dir: &Path,
    machine: &MachineFiles,
    ambient: Ambient,
) -> Result<(), RunnerError> {
    let dir = DataDir::open_existing(data_dir)?;
    let stored = Enrolled::load(&dir).map_err(RunnerError::Enrolled)?;
    let enrolled = stored.ok_or(RunnerError::NotEnrolled)?;
    let entropy = &*ambient.entropy;
    let key = identity::of(&dir, &enrolled, entropy)?;
    let timing = RunnerTiming::default();
    let dialer = dialer(
        &enrolled.url,
        enrolled.ca_cert.as_deref(),
        &timing,
        &ambient,
    )?;
    let whom = (&key, &enrolled);
    super::connecting::probe(&dir, machine, &dialer, whom, entropy, timing.handshake).await
}

/// Locks the data directory and enrols, if that was not done before or is to be done anew.
pub(super) async fn open(options: RunnerOptions, ambient: Ambient) -> Result<Runner, RunnerError> {
    let dir = DataDir::open(&options.data_dir)?;
    let lock = lock_runner(&dir).await?;
    let timing = options.timing;
    let (enrolled, dialer) = settle(&dir, &options, &ambient).await?;
    let key = identity::of(&dir, &enrolled, &*ambient.entropy)?;
    let mut supervisor =
        SupervisorProcess::new(dir.clone(), options.supervisor, timing.supervisor_start);
    // While the control plane is being dialled; a failure shows again when it is connected to.
    if let Err(error) = supervisor.warm_up().await {
        tracing::warn!(reason = super::with_sources(&error), "no supervisor yet");
    }
    if let Some(upgrade) = &options.upgrade {
        upgrade::resume(upgrade, &dir);
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
        fingerprint: None,
        machine: options.machine,
        upgrade: options.upgrade,
        offer: None,
        ambient,
        _lock: lock,
    })
}

/// Which server this machine is.
async fn settle(
    dir: &DataDir,
    options: &RunnerOptions,
    ambient: &Ambient,
) -> Result<(Enrolled, Dialer), RunnerError> {
    let _lock = lock_enrolment(dir).await?;
    let stored = Enrolled::load(dir).map_err(RunnerError::Enrolled)?;
    let Some(stored) = stored else {
        let request = request(options, None).ok_or(RunnerError::NotEnrolled)?;
        let attempts = Attempts {
            options: &request,
            ambient,
            limit: None,
        };
        return attempts.first(dir).await;
    };
    let stored = if is_anew(&stored, options) {
        anew(dir, stored, options, ambient).await?
    } else {
        stored
    };
    reopen(dir, stored, options, ambient)
}

/// Whether the token is another one than the machine was enrolled with. It is not known of one
/// that was enrolled before that was remembered: such a one stays what it is, unless it is
/// nothing any more.
fn is_anew(stored: &Enrolled, options: &RunnerOptions) -> bool {
    options
        .token
        .as_ref()
        .is_some_and(|token| match &stored.token_sha256 {
            Some(known) => *known != fingerprint(token),
            None => stored.removed,
        })
}

async fn anew(
    dir: &DataDir,
    stored: Enrolled,
    options: &RunnerOptions,
    ambient: &Ambient,
) -> Result<Enrolled, RunnerError> {
    let Some(request) = request(options, Some(&stored)) else {
        return Ok(stored);
    };
    let attempts = Attempts {
        options: &request,
        ambient,
        limit: None,
    };
    match attempts.anew(dir, stored.clone()).await {
        Err(RunnerError::Enrol(error @ EnrolError::Refused { .. })) if !stored.removed => {
            tracing::warn!(%error, "the token is no good, and this machine stays the server that it is");
            Ok(stored)
        }
        settled => settled,
    }
}

fn request(options: &RunnerOptions, stored: Option<&Enrolled>) -> Option<EnrolRequestOptions> {
    let url = options.url.clone();
    let ca_cert = options.ca_cert.clone();
    Some(EnrolRequestOptions {
        data_dir: options.data_dir.clone(),
        url: url.or_else(|| stored.map(|stored| stored.url.clone()))?,
        token: options.token.clone()?,
        ca_cert: ca_cert.or_else(|| stored.and_then(|stored| stored.ca_cert.clone())),
        timing: options.timing,
    })
}

/// A later start: what is given now replaces what is stored.
fn reopen(
    dir: &DataDir,
    mut enrolled: Enrolled,
    options: &RunnerOptions,
    ambient: &Ambient,
) -> Result<(Enrolled, Dialer), RunnerError> {
    let before = enrolled.clone();
    if let Some(url) = &options.url {
        enrolled.url.clone_from(url);
    }
    if options.ca_cert.is_some() {
        enrolled.ca_cert.clone_from(&options.ca_cert);
    }
    let dialer = dialer(
        &enrolled.url,
        enrolled.ca_cert.as_deref(),
        &options.timing,
        ambient,
    )?;
    if enrolled != before {
        enrolled.save(dir).map_err(RunnerError::Enrolled)?;
    }
    Ok((enrolled, dialer))
}
