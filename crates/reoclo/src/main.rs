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
mod memory;
mod open_files;
mod output;
mod pages;
mod program;
mod runner;
mod serve;
mod servers;
mod signals;
mod stderr;
mod up;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Args, Command};

/// The command line; the help of `up` and `serve` lists what each of them takes.
fn read_args() -> Result<Args, clap::Error> {
    let hide = |command: clap::Command, names: &[&'static str]| {
        let hidden = |command: clap::Command, name: &&'static str| {
            command.mut_arg(*name, |argument| argument.hide(true))
        };
        names.iter().fold(command, hidden)
    };
    let of_server = ["database_url", "wait_for_database", "wait", "takeover"];
    let mut command = Args::command()
        .mut_subcommand("up", |up| hide(up, &of_server))
        .mut_subcommand("serve", |serve| hide(serve, &["exec_user"]));
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Help goes to stdout, and waits for its reader as any result does. What is wrong with the command
/// line goes to stderr, where nobody is waited for.
fn tell(error: &clap::Error) {
    if !error.use_stderr() {
        // Whoever does not read it cannot be told in another way.
        let _ = error.print();
        return;
    }
    let text = error.render();
    let text = if std::io::stderr().is_terminal() {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    stderr::say(text.trim_end());
}

fn main() -> ExitCode {
    // First of all, since these processes are to need next to no memory and no time.
    if reoclo_runner::is_drain(std::env::args_os()) {
        reoclo_runner::drain();
        return ExitCode::SUCCESS;
    }
    if let Some(wanted) = reoclo_runner::wanted_user(std::env::args_os()) {
        reoclo_runner::look_user_up(&wanted);
    }
    let args = match read_args() {
        Ok(args) => args,
        Err(error) => {
            tell(&error);
            return exit::settled(u8::try_from(error.exit_code()).unwrap_or(exit::MISUSE)).into();
        }
    };
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
