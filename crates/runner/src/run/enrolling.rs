//! How a machine becomes a server, and how it becomes another one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reoclo_domain::{Secret, hex};
use reoclo_wire::enrolment::{EnrolReply, EnrolRequest};
use ring::digest::{SHA256, digest};
use ring::signature::Ed25519KeyPair;

use super::{RunnerError, RunnerTiming};
use crate::address::Address;
use crate::back_off::BackOff;
use crate::data_dir::DataDir;
use crate::dial::{self, Dialer, Proxy};
use crate::enrol::{self, EnrolError, Failure};
use crate::enrolled::Enrolled;
use crate::lock::{lock_enrolment, lock_runner};
use crate::{Ambient, facts, identity};

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
    /// The server that it was before, whose identity was kept aside.
    pub was: Option<String>,
}

/// Enrols without starting a runner, also while one is running, which goes on as what it was until
/// it is started again. The token that made the machine what it is changes nothing; a new one
/// makes it another server.
pub async fn enrol(
    options: EnrolRequestOptions,
    ambient: Ambient,
) -> Result<EnrolledServer, RunnerError> {
    let dir = DataDir::open(&options.data_dir)?;
    let _lock = lock_enrolment(&dir).await?;
    let attempts = Attempts {
        options: &options,
        ambient: &ambient,
        limit: Some(options.timing.enrolment),
    };
    let stored = Enrolled::load(&dir).map_err(RunnerError::Enrolled)?;
    let Some(stored) = stored else {
        let _lock = lock_runner(&dir).await?;
        let (enrolled, _) = attempts.first(&dir).await?;
        return Ok(known(enrolled, true, None));
    };
    let is_known = stored.token_sha256 == Some(fingerprint(&options.token));
    if is_known && !stored.removed {
        return Ok(known(stored, false, None));
    }
    let was = stored.server_id.clone();
    let enrolled = attempts.anew(&dir, stored).await?;
    let is_new = enrolled.server_id != was;
    Ok(known(enrolled, is_new, is_new.then_some(was)))
}

fn known(enrolled: Enrolled, is_new: bool, was: Option<String>) -> EnrolledServer {
    EnrolledServer {
        server_id: enrolled.server_id,
        url: enrolled.url,
        is_new,
        was,
    }
}

/// Attempts to enrol, until one succeeds or the time is over.
pub(super) struct Attempts<'a> {
    pub(super) options: &'a EnrolRequestOptions,
    pub(super) ambient: &'a Ambient,
    /// None to try for ever.
    pub(super) limit: Option<Duration>,
}

impl Attempts<'_> {
    /// A machine that was no server before.
    pub(super) async fn first(&self, dir: &DataDir) -> Result<(Enrolled, Dialer), RunnerError> {
        let key = identity::load_or_create(dir, &*self.ambient.entropy)?;
        let dialer = self.dialer()?;
        let reply = self.ask(&dialer, &key).await?;
        let enrolled = self.enrolled(&key, reply);
        enrolled.save(dir).map_err(RunnerError::Enrolled)?;
        tracing::info!(server_id = enrolled.server_id, "this server is enrolled");
        Ok((enrolled, dialer))
    }

    /// A machine that is a server, and was given another token.
    pub(super) async fn anew(
        &self,
        dir: &DataDir,
        mut stored: Enrolled,
    ) -> Result<Enrolled, RunnerError> {
        let entropy = &*self.ambient.entropy;
        let next = identity::next(dir, entropy)?;
        let dialer = self.dialer()?;
        let refused = match self.ask(&dialer, &next).await {
            Ok(reply) => return self.become_another(dir, &next, reply),
            Err(error) => error,
        };
        let may_be_the_same = stored.token_sha256.is_none() && !stored.removed;
        if !may_be_the_same || !matches!(refused, RunnerError::Enrol(EnrolError::Refused { .. })) {
            return Err(refused);
        }
        // It may be the token that made the machine what it is, from before that was remembered.
        let own = identity::of(dir, &stored, entropy)?;
        match self.ask(&dialer, &own).await {
            Ok(reply) if reply.server_id == stored.server_id => {
                let token = fingerprint(&self.options.token);
                let noted = stored.update(dir, |stored| stored.token_sha256 = Some(token));
                noted.map_err(RunnerError::Enrolled)?;
                Ok(stored)
            }
            _ => Err(refused),
        }
    }

    /// Whatever moment a crash comes in, the machine is one of the two servers.
    fn become_another(
        &self,
        dir: &DataDir,
        key: &Ed25519KeyPair,
        reply: EnrolReply,
    ) -> Result<Enrolled, RunnerError> {
        let enrolled = self.enrolled(key, reply);
        let aside = format!("old-{}", self.ambient.clock.now().as_micros());
        let settled = identity::set_aside(dir, &aside)
            .and_then(|()| Enrolled::set_aside(dir, &aside))
            .and_then(|()| enrolled.save(dir))
            .and_then(|()| identity::next_takes_its_place(dir));
        settled.map_err(RunnerError::Enrolled)?;
        tracing::info!(
            server_id = enrolled.server_id,
            aside,
            "this machine is another server now, and its identity of before is kept aside"
        );
        Ok(enrolled)
    }

    fn dialer(&self) -> Result<Dialer, RunnerError> {
        let options = self.options;
        dialer(
            &options.url,
            options.ca_cert.as_deref(),
            &options.timing,
            self.ambient,
        )
    }

    fn enrolled(&self, key: &Ed25519KeyPair, reply: EnrolReply) -> Enrolled {
        let EnrolRequestOptions {
            url,
            ca_cert,
            token,
            ..
        } = self.options;
        let mut enrolled = Enrolled::new(url.clone(), ca_cert.clone(), reply);
        enrolled.public_key = Some(identity::public_key(key));
        enrolled.token_sha256 = Some(fingerprint(token));
        enrolled
    }

    async fn ask(&self, dialer: &Dialer, key: &Ed25519KeyPair) -> Result<EnrolReply, RunnerError> {
        let request = EnrolRequest {
            token: self.options.token.expose().trim().to_owned(),
            public_key: identity::public_key(key),
            hostname: facts::hostname(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut last = (String::from("nobody answered"), None);
        let asking = self.ask_until_answered(dialer, &request, &mut last);
        let Some(limit) = self.limit else {
            return asking.await;
        };
        let answered = tokio::time::timeout(limit, asking).await;
        answered.unwrap_or_else(|_| {
            Err(RunnerError::EnrolledTooLate {
                limit,
                reason: last.0,
                hint: last.1.unwrap_or_default(),
            })
        })
    }

    async fn ask_until_answered(
        &self,
        dialer: &Dialer,
        request: &EnrolRequest,
        last: &mut (String, Option<&'static str>),
    ) -> Result<EnrolReply, RunnerError> {
        let timing = &self.options.timing;
        let mut back_off = BackOff::new(timing.first_connect);
        loop {
            let asked_for = match enrol::enrol(dialer, request, timing.handshake).await {
                Ok(reply) => return Ok(reply),
                // Whoever waits for it is told; a service goes on, because what answers may be a
                // proxy or a sign-in page for the moment.
                Err(Failure::Permanent(error)) if self.limit.is_some() || error.is_refusal() => {
                    return Err(error.into());
                }
                Err(Failure::Permanent(error)) => {
                    *last = (super::with_sources(&error), None);
                    None
                }
                Err(Failure::Temporary {
                    reason,
                    hint,
                    retry_after,
                }) => {
                    *last = (reason, hint);
                    retry_after
                }
            };
            tracing::warn!(
                reason = last.0,
                "not enrolled yet{}",
                last.1.unwrap_or_default()
            );
            let pause = asked_for.unwrap_or_default() + back_off.pause(self.ambient);
            tokio::time::sleep(pause).await;
        }
    }
}

/// What a token is remembered by.
pub(super) fn fingerprint(token: &Secret) -> String {
    let digest = digest(&SHA256, token.expose().trim().as_bytes());
    hex::encode(digest.as_ref())
}

pub(super) fn dialer(
    url: &str,
    ca_cert: Option<&Path>,
    timing: &RunnerTiming,
    ambient: &Ambient,
) -> Result<Dialer, RunnerError> {
    let address = Address::parse(url)?;
    let tls = address.tls.then(|| dial::connector(ca_cert)).transpose()?;
    let proxy = if address.tls {
        Proxy::to(&ambient.proxy, &address.host, address.port)?
    } else {
        None
    };
    Ok(Dialer::new(address, tls, proxy, timing.dial))
}
