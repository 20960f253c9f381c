//! `reoclo up`: a control plane and, as a process of its own, a runner for this machine.

use std::process::ExitCode;
use std::time::Duration;

use reoclo_control::{Control, Startup};
use reoclo_domain::{OrganizationId, ServerId, ServerStatus};
use reoclo_runner::check_exec_user;
use tokio::time::{sleep, timeout};

use crate::args::{Output, ServeOptions};
use crate::config::{Config, Power};
use crate::exit::misuse;
use crate::instance::{Instance, Local};
use crate::local_runner::LocalRunner;
use crate::open_files;
use crate::output::announce;
use crate::runner::user_lookup;
use crate::serve::runtime;
use crate::signals::Hangups;
use crate::stderr::say;

/// The runner of this machine connects within this time, or the start goes on without it.
const CONNECT_TIME: Duration = Duration::from_secs(15);
const CONNECT_POLL: Duration = Duration::from_millis(2);

pub(crate) fn run(options: ServeOptions) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(options).map_err(misuse)?;
    if config.database_url.is_some() {
        return Err(misuse(anyhow::anyhow!(
            "`up` uses the embedded database: start `reoclo serve` for --database-url"
        )));
    }
    let lookup = user_lookup();
    let runtime = runtime()?;
    let checked = check_exec_user(config.exec_user.as_deref(), &lookup);
    config.exec_uid = runtime.block_on(checked).map_err(misuse)?;
    let open_files = open_files::allow_most();
    runtime.block_on(up(config, open_files))
}

/// `open_files` is what commands may have open, whatever the control plane may.
async fn up(config: Config, open_files: Option<u64>) -> anyhow::Result<ExitCode> {
    let hangups = Hangups::listen();
    let instance = Instance::open(&config, Local::Runner).await?;
    if let Some(power) = config.power() {
        warn_about_power(power, config.output);
    }
    let local = LocalRunner::prepare(instance.data_dir.path(), &config, open_files)?;
    let startup = Startup {
        server: Some((local.server(), local.host_name().to_owned())),
        // Nobody else starts on the embedded database at the same time.
        begun: None,
    };
    let control = instance.control.clone();
    let bootstrapped = control.instance().start_up(&startup).await?;
    let organization = bootstrapped.organization.id;
    let server = control.store().server(organization, local.server()).await?;
    let server = server.filter(|server| server.status != ServerStatus::Decommissioned);
    let url = instance.url.clone();
    let runner_url = instance.runner_url();
    let mut running = instance.run(hangups).await?;
    let mut runner = None;
    if server.is_some() {
        let id = local.server();
        runner = Some(local.start(&control, organization, &runner_url).await?);
        tokio::select! {
            () = wait_for_runner(&control, organization, id) => {}
            () = running.stop_requested() => {}
        }
    } else {
        local.warn_about_removal();
    }
    announce(&control, &url, &bootstrapped, server, config.output).await?;
    running.stop_requested().await;
    // First, or it would tell that the control plane has gone.
    if let Some(runner) = runner {
        runner.stop().await;
    }
    running.until_stopped().await?;
    Ok(ExitCode::SUCCESS)
}

/// Waits until the runner is there and the lists say so: whoever reads that Reoclo is ready asks
/// for the servers next.
async fn wait_for_runner(control: &Control, organization: OrganizationId, server: ServerId) {
    let connected = async {
        while !(control.is_connected(server) && is_active(control, organization, server).await) {
            sleep(CONNECT_POLL).await;
        }
    };
    if timeout(CONNECT_TIME, connected).await.is_err() {
        tracing::warn!("the runner of this machine has not connected yet; it goes on trying");
    }
}

/// What cannot be read is waited for like what is not there yet.
async fn is_active(control: &Control, organization: OrganizationId, server: ServerId) -> bool {
    let found = control.store().server(organization, server).await;
    matches!(found, Ok(Some(server)) if server.status == ServerStatus::Active)
}

/// Commands run as the user who owns the data directory, unless told otherwise.
fn warn_about_power(power: Power, output: Output) {
    match (power, output) {
        (Power::OfRoot, _) => tracing::warn!("{}", power.text()),
        (Power::OfReoclo, Output::Text) => say(&format!("\nNote: {}", power.text())),
        _ => {}
    }
}
