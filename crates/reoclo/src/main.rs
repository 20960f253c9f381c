//! `reoclo`: configuration, wiring and shutdown; everything else is in the libraries.
#![forbid(unsafe_code)]
#![expect(
    clippy::disallowed_methods,
    reason = "the binary is where time, randomness and the environment come in"
)]

mod admin;
mod ambient;
mod args;
mod audit;
mod background;
mod config;
mod exit;
mod instance;
mod local_runner;
mod logging;
mod open_files;
mod output;
mod pages;
mod program;
mod runner;
mod serve;
mod servers;
mod signals;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

fn main() -> ExitCode {
    // First of all, since that process is to need next to no memory.
    if reoclo_runner::is_drain(std::env::args_os()) {
        reoclo_runner::drain();
        return ExitCode::SUCCESS;
    }
    let args = Args::parse();
    logging::begin(args.log_format);
    exit::report(match args.command {
        Command::Up(options) => up::run(options),
        Command::Serve(options) => serve::run(options),
        Command::Runner(options) => runner::run(options),
        Command::Supervisor(options) => runner::supervise(options),
        Command::Servers(command) => servers::run(command),
        Command::Admin(command) => admin::run(command),
        Command::Audit(command) => audit::run(command),
    })
}
