//! `cargo xtask test`: every suite, with whatever it needs installed and started.

mod browser;
pub(crate) mod postgres;
mod requirement;
mod suite;
mod summary;

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Result;

use crate::process::{Interrupted, Processes};

use postgres::{Care, Postgres};
use suite::Suite;
use summary::Summary;

/// The environment variable that names a running PostgreSQL to the integration tests: the URL of
/// a superuser, who creates a database for each test.
const POSTGRES_URL: &str = "REOCLO_TEST_POSTGRES_URL";

/// Run the tests: installs what is missing (Debian or Ubuntu, as root), starts a PostgreSQL of
/// its own and ends with 0 only if every suite passed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run these suites only, in their usual order
    #[arg(long, value_delimiter = ',', value_name = "SUITE,…")]
    only: Vec<Suite>,
}

pub(crate) fn run(arguments: &Arguments, processes: &Processes) -> Result<ExitCode> {
    let suites = Suite::selected(&arguments.only);
    requirement::meet(&suites, processes)?;
    let mut summary = Summary::default();
    for suite in suites {
        println!("\n=== {suite}");
        let start = Instant::now();
        let passed = run_suite(suite, processes)?;
        summary.add(suite, passed, start.elapsed());
    }
    print!("{summary}");
    Ok(summary.exit_code())
}

/// Whether the suite passed; what went wrong has been printed. Fails only when interrupted.
fn run_suite(suite: Suite, processes: &Processes) -> Result<bool> {
    let result = match suite {
        Suite::Postgres => with_postgres(processes),
        Suite::Browser => browser::run(processes),
        _ => run_commands(suite.commands(), processes),
    };
    match result {
        Err(error) if !error.is::<Interrupted>() => {
            eprintln!("error: {error:#}");
            Ok(false)
        }
        result => result,
    }
}

fn with_postgres(processes: &Processes) -> Result<bool> {
    let postgres = Postgres::start(processes, Care::None)?;
    let mut commands = Suite::Postgres.commands();
    for command in &mut commands {
        command.env(POSTGRES_URL, postgres.url());
    }
    run_commands(commands, processes)
}

/// Runs every command, also after one has failed.
fn run_commands(commands: Vec<Command>, processes: &Processes) -> Result<bool> {
    let mut passed = true;
    for mut command in commands {
        passed &= processes.run(&mut command)?.status.success();
    }
    Ok(passed)
}
