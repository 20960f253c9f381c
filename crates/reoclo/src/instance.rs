//! One control plane: opened, served, and brought to rest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use reoclo_control::{Control, Drain};
use reoclo_domain::Secret;
use reoclo_http::{
    AppState, Front, Hosts, Listener, Served, TrustedProxies, api, metrics_routes, serve,
};
use reoclo_store::{
    DataDir, DatabaseAddress, Expected, MasterKey, RememberedDatabase, Store, StoreOptions,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::admin;
use crate::background::{self, certificates};
use crate::config::Config;
use crate::exit::misuse;
use crate::signals::{Hangups, StopSignals};
use crate::{ambient, local_runner, pages, program};

/// An open control plane whose listener is bound.
pub(crate) struct Instance {
    pub(crate) control: Control,
    pub(crate) data_dir: DataDir,
    pub(crate) url: String,
    listener: Listener,
    /// A way in for this machine's own runner, when the listener is none.
    back_door: Option<Listener>,
    has_tls: bool,
    metrics: Option<Listener>,
    hosts: Hosts,
    proxies: TrustedProxies,
    front: Front,
    runner_program: Option<PathBuf>,
    certificate_poll: Duration,
}

/// What is written at the end, by a database that answers, is written by then.
const LAST_WRITES: Duration = Duration::from_secs(3);

/// Whether a runner of this machine is to be started beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    Runner,
    NoRunner,
}

/// The tasks of a control plane that is served.
pub(crate) struct Running {
    control: Control,
    /// Held until the end: it is the lock on the data directory.
    _data_dir: DataDir,
    stop: StopSignals,
    served: JoinHandle<Served>,
    others: Vec<JoinHandle<()>>,
}

impl Instance {
    /// Opens the data directory, the address and the database, in the order in which a user
    /// most likely got something wrong.
    pub(crate) async fn open(config: &Config, local: Local) -> anyhow::Result<Self> {
        if let Some(program) = &config.runner_program {
            program::check(program).map_err(misuse)?;
        }
        let proxies = TrustedProxies::new(config.trusted_proxies.iter().copied());
        let proxies = proxies.map_err(misuse)?;
        let data_dir = DataDir::open(&config.data_dir).map_err(misuse)?;
        let listener = Listener::bind(config.listen, config.tls.as_ref())
            .await
            .map_err(misuse)?;
        let metrics = match config.metrics_listen {
            Some(address) => {
                let metrics = Listener::bind(address, config.metrics_tls()).await;
                Some(metrics.map_err(misuse)?)
            }
            None => None,
        };
        let back_door = if local == Local::Runner && needs_back_door(config) {
            let loopback = (Ipv4Addr::LOCALHOST, 0).into();
            Some(Listener::bind(loopback, None).await.map_err(misuse)?)
        } else {
            None
        };
        let url = config.public_url(listener.local_addr());
        let mut hosts = Hosts::of_public_url(&url).map_err(misuse)?;
        for url in &config.more_public_urls {
            hosts = hosts.and(url).map_err(misuse)?;
        }
        let store = open_store(config, &data_dir).await?;
        let (clock, entropy) = (ambient::clock(), ambient::entropy());
        let mut settings = config.settings(&url);
        if let (Local::Runner, Some(power)) = (local, config.power()) {
            let id = local_runner::server_of(data_dir.path())?;
            settings.own_server = Some((id, power.text()));
        }
        let control = Control::new(store, clock, entropy, settings, Drain::new());
        let limits = config.connection_limits();
        let front = Front::new(limits, proxies.clone(), ambient::clock());
        Ok(Self {
            control,
            data_dir,
            url,
            listener,
            back_door,
            has_tls: config.tls.is_some(),
            metrics,
            hosts,
            proxies,
            front,
            runner_program: config.runner_program.clone(),
            certificate_poll: config.certificate_poll(),
        })
    }

    /// The address that the runner of this machine dials: plaintext on loopback where there is
    /// some, which no proxy or name lies before.
    pub(crate) fn runner_url(&self) -> String {
        if self.has_tls {
            return self.url.clone();
        }
        let listener = self.back_door.as_ref().unwrap_or(&self.listener);
        let address = listener.local_addr();
        // Who listens everywhere listens on loopback too.
        let ip = match address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(ip, address.port()))
    }

    /// Serves until the drain begins.
    pub(crate) async fn run(self, hangups: Hangups) -> anyhow::Result<Running> {
        let stop = StopSignals::listen();
        let (control, front) = (self.control, self.front);
        control.store().mark_all_unreachable().await?;
        control.runners().remember_machines().await?;
        let resumed = control.resume_operations().await?;
        if resumed > 0 {
            tracing::info!(resumed, "operations of an earlier process go on");
        }
        let state = AppState::new(control.clone(), self.hosts, self.proxies);
        let state = state.with_program(program::slot(self.runner_program));
        let mut others = background::start(&control);
        let listeners = [Some(&self.listener), self.metrics.as_ref()];
        let certificates = listeners.into_iter().flatten();
        let certificates = certificates.filter_map(Listener::certificate).collect();
        let every = self.certificate_poll;
        others.push(tokio::spawn(certificates::renew(
            certificates,
            hangups,
            every,
        )));
        if let Some(metrics) = self.metrics {
            let (router, drain) = (metrics_routes(state.clone()), control.drain().clone());
            let front = front.clone();
            others.push(tokio::spawn(async move {
                serve(metrics, router, front, drain.begun()).await;
            }));
        }
        others.push(admin::serve(control.clone(), self.data_dir.path()).context("admin.sock")?);
        let (router, drain) = (api(state, pages::add).router, control.drain().clone());
        if let Some(back_door) = self.back_door {
            let (router, drain, front) = (router.clone(), drain.clone(), front.clone());
            others.push(tokio::spawn(async move {
                serve(back_door, router, front, drain.begun()).await;
            }));
        }
        let listener = self.listener;
        let served =
            tokio::spawn(async move { serve(listener, router, front, drain.begun()).await });
        Ok(Running {
            control,
            _data_dir: self.data_dir,
            stop,
            served,
            others,
        })
    }
}

impl Running {
    /// Waits until the process is asked to stop, or has been.
    pub(crate) async fn stop_requested(&mut self) {
        self.stop.received().await;
    }

    /// Waits for a signal, then lets requests end, writes what is pending and closes the database.
    /// Ends as well when another control plane has taken this one's place on the database.
    pub(crate) async fn until_stopped(mut self) -> anyhow::Result<()> {
        let is_displaced = tokio::select! {
            () = self.stop.received() => false,
            () = self.control.store().displaced() => true,
        };
        let running = self.control.statistics().running_operations;
        tracing::info!(
            running,
            "stopping; commands that run go on under their supervisors"
        );
        self.control.drain().begin();
        let served = self.served.await?;
        if served == Served::CutOff {
            tracing::warn!("some requests were cut off");
        }
        for task in self.others {
            task.abort();
        }
        let control = self.control;
        let writing = async {
            control.write_key_uses(true).await;
            control.write_refused_uses(true).await;
            control.write_session_uses().await;
            control.write_checks(true).await;
            control.store().close().await;
        };
        if timeout(LAST_WRITES, writing).await.is_err() {
            tracing::warn!("the database did not take the last uses of keys and measurements");
        }
        anyhow::ensure!(
            !is_displaced,
            "another control plane has taken this one's place on the database"
        );
        Ok(())
    }
}

/// A runner speaks plaintext to loopback only, and this listener is neither TLS nor there.
fn needs_back_door(config: &Config) -> bool {
    let ip = config.listen.ip();
    config.tls.is_none() && !ip.is_loopback() && !ip.is_unspecified()
}

async fn open_store(config: &Config, data_dir: &DataDir) -> anyhow::Result<Store> {
    let entropy = ambient::entropy();
    let directory = data_dir.path();
    let expected = if config.new {
        Expected::Unused
    } else if directory.join("master.key").exists() || RememberedDatabase::is_in(directory) {
        Expected::Used
    } else {
        Expected::Anything
    };
    let (key, file) = master_key(directory, |file, given| {
        MasterKey::load_or_prepare(file, given, &*entropy)
    })?;
    let database = match &config.database_url {
        Some(url) => DatabaseAddress::parse(url.expose()),
        None => Ok(DatabaseAddress::Sqlite(data_dir.database_path())),
    };
    let database = match database {
        Ok(database) => database,
        Err(error) => {
            file.discard();
            return Err(misuse(error));
        }
    };
    let note = RememberedDatabase::prepare(directory, &database, &key, &*entropy)?;
    let options = StoreOptions {
        database,
        master_key: key,
        clock: ambient::clock(),
        entropy: Arc::clone(&entropy),
        sharing: config.sharing,
        wait_for_database: config.wait_for_database,
        expected,
    };
    match Store::open(options).await {
        Ok(store) => {
            file.keep()?;
            note.write().context("the note of the database")?;
            Ok(store)
        }
        Err(error) => {
            if error.is_before_the_key() {
                file.discard();
            }
            Err(if error.may_pass() {
                // Another start may find it up.
                error.into()
            } else {
                misuse(error)
            })
        }
    }
}

/// The master key of `DATA/master.key`, or of `REOCLO_MASTER_KEY`.
pub(crate) fn master_key<K, E: std::error::Error + Send + Sync + 'static>(
    data_dir: &Path,
    load: impl FnOnce(&Path, Option<&Secret>) -> Result<K, E>,
) -> anyhow::Result<K> {
    let given = std::env::var("REOCLO_MASTER_KEY").ok().map(Secret::new);
    load(&data_dir.join("master.key"), given.as_ref()).map_err(misuse)
}
