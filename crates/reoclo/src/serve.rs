//! `reoclo serve`: a control plane without a runner.

use std::process::ExitCode;

use reoclo_control::Startup;

use crate::ambient;
use crate::args::ServeOptions;
use crate::config::Config;
use crate::exit::misuse;
use crate::instance::{Instance, Local};
use crate::open_files;
use crate::output::announce;
use crate::signals::Hangups;

pub(crate) fn run(options: ServeOptions) -> anyhow::Result<ExitCode> {
    let config = Config::load(options).map_err(misuse)?;
    open_files::allow_most();
    runtime()?.block_on(serve(config))
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let hangups = Hangups::listen();
    let startup = Startup {
        server: None,
        begun: Some(ambient::clock().now()),
    };
    let instance = Instance::open(&config, Local::NoRunner).await?;
    let (control, url) = (instance.control.clone(), instance.url.clone());
    let bootstrapped = control.instance().start_up(&startup).await?;
    let running = instance.run(hangups).await?;
    announce(&control, &url, &bootstrapped, None, config.output).await?;
    running.until_stopped().await?;
    Ok(ExitCode::SUCCESS)
}
