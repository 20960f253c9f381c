//! What the control plane is to do: flags, then `REOCLO_…`, then `reoclo.toml`.

mod file;
mod listen_address;
mod network;
mod power;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use reoclo_control::Settings;
use reoclo_domain::Secret;
use reoclo_http::{ConnectionLimits, TlsFiles};
use reoclo_store::Sharing;

use crate::args::{Output, ServeOptions};
use crate::memory;
use crate::open_files;

pub(crate) use file::{ConfigError, ConfigFile};
pub(crate) use listen_address::{ListenAddress, ListenAddressError};
pub(crate) use network::{Network, Networks};
pub(crate) use power::Power;

const DEFAULT_PORT: u16 = 7676;
/// Rates over less time say nothing.
const LEAST_METRICS_INTERVAL: Duration = Duration::from_millis(50);
/// A database that is started together with this process is up by then.
const WAIT_FOR_DATABASE: Duration = Duration::from_secs(30);
/// A control plane that was told to stop has done so by then.
const WAIT_FOR_PLACE: Duration = Duration::from_mins(1);
const CERTIFICATE_POLL: Duration = Duration::from_secs(5);
const LEAST_CERTIFICATE_POLL: Duration = Duration::from_millis(10);
const DEFAULT_DATA_DIR: &str = ".reoclo";

/// Everything that a control plane needs to start.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) output: Output,
    /// The one that links begin with.
    pub(crate) public_url: Option<String>,
    /// Others that are served.
    pub(crate) more_public_urls: Vec<String>,
    pub(crate) database_url: Option<Secret>,
    pub(crate) wait_for_database: Duration,
    pub(crate) sharing: Sharing,
    /// Begin an empty database.
    pub(crate) new: bool,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) allowed_outbound: Vec<IpNet>,
    pub(crate) organization_networks: bool,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) exec_user: Option<String>,
    /// Whose number commands have on this machine; `None` until it is known.
    pub(crate) exec_uid: Option<u32>,
    pub(crate) runner_program: Option<PathBuf>,
    pub(crate) timing: file::Timing,
    pub(crate) limits: file::Limits,
}

impl Config {
    /// Merges the three sources and refuses what does not fit together.
    pub(crate) fn load(options: ServeOptions) -> Result<Self, ConfigError> {
        let file = ConfigFile::load(options.config.as_deref())?;
        let tls = tls(
            options.tls_cert.or(file.tls_cert),
            options.tls_key.or(file.tls_key),
        )?;
        let trusted_proxies = networks(options.trusted_proxy, file.trusted_proxy);
        let insecure = options.insecure_http || file.insecure_http.unwrap_or(false);
        let beyond_loopback = tls.is_some() || !trusted_proxies.is_empty() || insecure;
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
        let listen = options.listen.or(file.listen);
        let listen = listen.unwrap_or(local.into()).resolve(beyond_loopback)?;
        let metrics = options.metrics_listen.or(file.metrics_listen);
        let metrics = metrics.map(|address| address.resolve(beyond_loopback));
        let mut public_urls = options.public_url;
        if public_urls.is_empty() {
            public_urls = file.public_url.unwrap_or_default().0;
        }
        let mut public_urls = public_urls.into_iter();
        let config = Self {
            data_dir: options
                .data_dir
                .or(file.data_dir)
                .unwrap_or_else(|| DEFAULT_DATA_DIR.into()),
            listen,
            output: options.output.unwrap_or(Output::Text),
            public_url: public_urls.next(),
            more_public_urls: public_urls.collect(),
            database_url: options.database_url.or(file.database_url).map(Secret::new),
            wait_for_database: options
                .wait_for_database
                .or(file.wait_for_database)
                .map_or(WAIT_FOR_DATABASE, Duration::from_secs),
            new: options.new,
            sharing: if options.replicas {
                Sharing::Shared
            } else {
                Sharing::Alone {
                    wait: options
                        .wait
                        .or(file.wait)
                        .map_or(WAIT_FOR_PLACE, Duration::from_secs),
                    take_over: options.takeover,
                }
            },
            tls,
            trusted_proxies,
            allowed_outbound: networks(options.allow_outbound, file.allowed_outbound_networks),
            organization_networks: !(options.no_organization_networks
                || file.no_organization_networks.unwrap_or(false)),
            metrics_listen: metrics.transpose()?,
            exec_user: options.exec_user.or(file.exec_user),
            exec_uid: None,
            runner_program: options.runner_program.or(file.runner_program),
            timing: file.timing,
            limits: file.limits,
        };
        config.limits.check()?;
        if !beyond_loopback {
            config.check_plaintext()?;
        }
        Ok(config)
    }

    /// Plaintext is for loopback, unless a proxy stands before it or the user insists.
    fn check_plaintext(&self) -> Result<(), ConfigError> {
        let mut addresses = [Some(self.listen), self.metrics_listen]
            .into_iter()
            .flatten();
        match addresses.find(|address| !address.ip().to_canonical().is_loopback()) {
            None => Ok(()),
            Some(address) => Err(ConfigError::Plaintext(address)),
        }
    }

    /// What `/metrics` is served with: beyond loopback, what everything else is.
    pub(crate) fn metrics_tls(&self) -> Option<&TlsFiles> {
        let address = self.metrics_listen?;
        let is_local = address.ip().to_canonical().is_loopback();
        self.tls.as_ref().filter(|_| !is_local)
    }

    /// The address that clients use, when the listener has `local`.
    pub(crate) fn public_url(&self, local: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{scheme}://{local}"),
        }
    }

    /// The use cases' settings with the delays of the file.
    pub(crate) fn settings(&self, public_url: &str) -> Settings {
        let mut settings = Settings::new(public_url);
        settings.allowed_outbound.clone_from(&self.allowed_outbound);
        settings.organization_networks = self.organization_networks;
        set(&mut settings.inline_wait, self.timing.inline_wait);
        set(
            &mut settings.dispatch.start_deadline,
            self.timing.start_deadline,
        );
        set(&mut settings.dispatch.lost_after, self.timing.lost_after);
        set(
            &mut settings.dispatch.resume_grace,
            self.timing.resume_grace,
        );
        set(
            &mut settings.dispatch.facts_interval,
            self.timing.facts_interval,
        );
        set(
            &mut settings.dispatch.metrics_interval,
            self.timing.metrics_interval,
        );
        settings.dispatch.metrics_interval = settings
            .dispatch
            .metrics_interval
            .max(LEAST_METRICS_INTERVAL);
        set(&mut settings.dispatch.retry_delay, self.timing.retry_delay);
        set(&mut settings.dispatch.queue_wait, self.timing.queue_wait);
        set(
            &mut settings.dispatch.link.control_plane_keepalive.every,
            self.timing.keepalive_every,
        );
        set(
            &mut settings.dispatch.link.control_plane_keepalive.timeout,
            self.timing.keepalive_timeout,
        );
        self.set_limits(&mut settings);
        settings
    }

    /// What commands on this machine can do to the control plane.
    pub(crate) fn power(&self) -> Option<Power> {
        self.exec_uid.and_then(Power::of)
    }

    /// How often the files of the certificate are looked at.
    pub(crate) fn certificate_poll(&self) -> Duration {
        let mut every = CERTIFICATE_POLL;
        set(&mut every, self.timing.certificate_poll);
        every.max(LEAST_CERTIFICATE_POLL)
    }

    /// What those get who connect, with the values of the file.
    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        let (timing, limits) = (&self.timing, &self.limits);
        let number = |limit: Option<u64>| limit.and_then(|limit| usize::try_from(limit).ok());
        let mut wanted = ConnectionLimits::default().within_memory(memory::allowed());
        if let Some(most) = number(limits.connections) {
            wanted = wanted.of(most);
        }
        let here = number(limits.connections_per_address);
        wanted.most_of_address = here.unwrap_or(wanted.most_of_address);
        let bytes = number(limits.stranger_bytes);
        wanted.bytes_of_strangers = bytes.unwrap_or(wanted.bytes_of_strangers);
        set(&mut wanted.head_time, timing.head_time);
        set(&mut wanted.body_time, timing.body_time);
        set(&mut wanted.answer_time, timing.answer_time);
        set(&mut wanted.idle_time, timing.idle_time);
        set(&mut wanted.idle_time_of_known, timing.idle_time_of_known);
        wanted.within(open_files::allowed())
    }

    fn set_limits(&self, settings: &mut Settings) {
        let limits = &self.limits;
        let reboot_least = self.timing.reboot_least;
        settings.reboot_least_seconds = reboot_least.unwrap_or(settings.reboot_least_seconds);
        let set = |value: &mut usize, limit: Option<u64>| {
            *value = limit
                .and_then(|limit| limit.try_into().ok())
                .unwrap_or(*value);
        };
        set(
            &mut settings.dispatch.operations_per_server,
            limits.operations_per_server,
        );
        set(
            &mut settings.dispatch.queued_per_server,
            limits.queued_per_server,
        );
        let log_bytes = limits.log_bytes.and_then(|bytes| bytes.try_into().ok());
        settings.log_bytes = log_bytes.unwrap_or(settings.log_bytes);
        if let Some(days) = limits.log_days {
            settings.log_age = Duration::from_hours(24 * days);
        }
    }
}

/// Takes the file's value when it has one.
fn set(value: &mut Duration, seconds: Option<f64>) {
    let given = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    *value = given.unwrap_or(*value);
}

/// Those of the flag, else those of the file.
fn networks(flag: Vec<Network>, file: Option<Networks>) -> Vec<IpNet> {
    let named = if flag.is_empty() {
        file.unwrap_or_default().0
    } else {
        flag
    };
    named.into_iter().map(|Network(network)| network).collect()
}

fn tls(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<TlsFiles>, ConfigError> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        _ => Err(ConfigError::HalfTls),
    }
}
