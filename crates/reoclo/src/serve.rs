//! `reoclo serve`: a control plane without a runner.

use std::process::ExitCode;

use reoclo_control::Startup;

use crate::args::ServeOptions;
use crate::config::Config;
use crate::exit::misuse;
use crate::instance::Instance;
use crate::output::{Started, can_show_keys};

pub(crate) fn run(options: ServeOptions) -> anyhow::Result<ExitCode> {
    let config = Config::load(options).map_err(misuse)?;
    runtime()?.block_on(serve(config))
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?)
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let instance = Instance::open(&config).await?;
    let startup = Startup {
        server: None,
        can_show_keys: can_show_keys(config.output),
    };
    let bootstrapped = instance.control.start_up(&startup).await?;
    let started = Started::new(&instance.url, &bootstrapped, None);
    let running = instance.run().await?;
    started.print(config.output)?;
    running.until_stopped().await?;
    Ok(ExitCode::SUCCESS)
}
