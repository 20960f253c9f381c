//! The supervisor: one process that runs every command of a server, whoever comes and goes.

mod answers;
mod anywhere;
mod connections;
mod front;
mod instance;
mod predecessors;
mod retirement;
mod service;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::new_id;
use reoclo_wire::link::LinkSettings;
use rustix::process::setsid;
use tokio::net::UnixListener;
use tokio::sync::watch;

use crate::Ambient;
use crate::data_dir::{DataDir, DataDirError};
use crate::exec::{DockerCli, DrainCommand, Drainer, Groups, Means, Patience, UserLookup, Users};
use crate::facts;
use crate::host::Sampler;
use crate::inherited;
use crate::lock::LockError;
use crate::operation::{Limits, Operations};
use crate::orphans;
use crate::spool::{Origin, Spool, Unended};

use front::{Front, Place};
use instance::{Instance, Retirement};
use service::Service;

/// How a supervisor works.
#[derive(Clone, Debug)]
pub struct SupervisorOptions {
    /// The runner's data directory.
    pub data_dir: PathBuf,
    /// As whom commands run; the supervisor's own user when none is named. Only root may name
    /// another.
    pub exec_user: Option<String>,
    /// What looks users up.
    pub user_lookup: UserLookup,
    /// Where this process was told to be at home; for commands, when nobody knows its user.
    pub home: Option<PathBuf>,
    /// Docker's command line, looked for as any command's programs are.
    pub docker: PathBuf,
    /// Variables that Docker's command line gets besides those of every command: where its
    /// engine is, and where it keeps its logins.
    pub docker_environment: Vec<(OsString, OsString)>,
    /// It ends when for this long nobody was connected and nothing ran.
    pub idle_exit: Duration,
    /// Time between TERM and KILL.
    pub kill_grace: Duration,
    /// How long what was killed may take to be gone, before the record names it.
    pub kill_wait: Duration,
    /// How long the pipes of an ended command are still read, when a child of it holds them.
    pub drain_grace: Duration,
    /// What reads the pipes of an ended command for those who still write.
    pub drain: DrainCommand,
    /// Whether each command gets a cgroup of its own, where one can be made.
    pub cgroups: bool,
    /// How long output is held back that may be a URL with a password.
    pub url_grace: Duration,
    /// An outcome that nobody acknowledged within this time goes to disk.
    pub store_after: Duration,
    /// Commands that may run at the same time.
    pub max_concurrent: usize,
    /// Bytes of output that may be on disk together.
    pub spool_limit: u64,
    /// The program that reboots the host, and its arguments.
    pub reboot_command: Vec<OsString>,
    /// Where the host says which boot this is.
    pub boot_id_file: PathBuf,
    /// Whether to leave the session of whoever started it. For the real process; not in tests.
    pub own_session: bool,
    /// The link's tuning.
    pub link: LinkSettings,
}

impl SupervisorOptions {
    /// The defaults, for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            exec_user: None,
            user_lookup: UserLookup::default(),
            home: None,
            docker: PathBuf::from("docker"),
            docker_environment: Vec::new(),
            idle_exit: Duration::from_secs(10),
            kill_grace: Duration::from_secs(5),
            kill_wait: Duration::from_secs(2),
            drain_grace: Duration::from_millis(200),
            drain: DrainCommand::default(),
            cgroups: true,
            url_grace: Duration::from_millis(200),
            store_after: Duration::from_millis(500),
            // Seven descriptors each, below the usual limit of 1024.
            max_concurrent: 128,
            spool_limit: 2 << 30,
            reboot_command: ["systemctl", "reboot"].map(OsString::from).to_vec(),
            boot_id_file: facts::BOOT_ID.into(),
            own_session: true,
            link: LinkSettings::default(),
        }
    }
}

/// Operations that may run or wait to be acknowledged.
const MOST_KNOWN: usize = 20_000;

/// The supervisor cannot work.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum SupervisorError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("cannot use the spool in the data directory")]
    Spool(#[source] io::Error),
    #[error("cannot listen on the supervisor's socket")]
    Socket(#[source] io::Error),
    #[error("cannot take the place of the supervisor that is there")]
    Succession(#[source] io::Error),
}

/// Runs commands until it has been idle for long enough, or until `shutdown` ends: then commands
/// that run are cancelled, and their outcomes kept for the next supervisor.
pub async fn supervise(
    options: SupervisorOptions,
    ambient: Ambient,
    shutdown: impl Future<Output = ()>,
) -> Result<(), SupervisorError> {
    if options.own_session {
        // It fails only for a process that leads a group already, which is as good.
        let _ = setsid();
    }
    inherited::keep_from_commands();
    orphans::take_in();
    let data = DataDir::open_existing(&options.data_dir)?;
    let instance_id = new_id(&*ambient.clock, &*ambient.entropy).to_string();
    let front = Arc::new(Front::take(&data, &instance_id).await?);
    let before = front.predecessors().map_err(SupervisorError::Succession)?;
    let (service, unended) = service(&options, &data, &ambient, (instance_id, &before))?;
    service.succeed(before, &front, options.link).await;
    service.take_over(unended);
    tracing::info!(data_dir = %data.path().display(), "the supervisor is ready");
    tokio::select! {
        () = serve(&front.listener, &service, &options, shutdown) => {}
        () = answers::serve(&front.questions, &service) => {}
        () = reap() => {}
    }
    // From here on a runner starts another supervisor, which waits for the lock.
    let closed = front.close();
    service.end().await;
    closed.map_err(SupervisorError::Socket)
}

/// Does not end before it is dropped.
async fn reap() {
    orphans::reap_orphans().await;
    std::future::pending::<()>().await;
}

fn service(
    options: &SupervisorOptions,
    data: &DataDir,
    ambient: &Ambient,
    (instance_id, before): (String, &[Place]),
) -> Result<(Service, Vec<Unended>), SupervisorError> {
    let origin = Origin {
        boot_id: facts::boot_id(&options.boot_id_file),
        instance_id,
    };
    let alive = front::instances(before);
    let (spool, recovered) = Spool::open(data, options.spool_limit, origin.clone(), &alive)
        .map_err(SupervisorError::Spool)?;
    let limits = Limits {
        running: options.max_concurrent,
        known: MOST_KNOWN,
    };
    let patience = Patience {
        kill_grace: options.kill_grace,
        kill_wait: options.kill_wait,
        drain_grace: options.drain_grace,
        url_grace: options.url_grace,
    };
    let groups = if options.cgroups {
        Groups::open()
    } else {
        Groups::none()
    };
    let users = Users::new(
        options.exec_user.clone(),
        options.user_lookup.clone(),
        options.home.clone(),
        data,
        Arc::clone(&ambient.clock),
    );
    let means = Means {
        users,
        patience,
        groups: Arc::new(groups),
        drainer: Drainer::new(options.drain.clone()),
    };
    let service = Service::new(Instance {
        origin,
        reboot_command: options.reboot_command.clone(),
        means,
        store_after: options.store_after,
        operations: Operations::new(spool, recovered.ended, limits, Arc::clone(&ambient.clock)),
        docker: facts::Docker::new(),
        docker_cli: DockerCli::new(
            options.docker.clone(),
            options.docker_environment.clone(),
            data.clone(),
            Arc::clone(&ambient.clock),
        ),
        sampler: Sampler::new(Arc::clone(&ambient.clock)),
        port_turn: tokio::sync::Mutex::default(),
        since: ambient.clock.now(),
        retirement: watch::Sender::new(Retirement::No),
        predecessors: Arc::default(),
        clock: Arc::clone(&ambient.clock),
    });
    Ok((service, recovered.unended))
}

async fn serve(
    listener: &UnixListener,
    service: &Service,
    options: &SupervisorOptions,
    shutdown: impl Future<Output = ()>,
) {
    tokio::select! {
        () = connections::serve(listener, service, options) => {
            tracing::info!("the supervisor is not needed any more and ends");
        }
        () = shutdown => tracing::info!("the supervisor is told to end"),
    }
}
