//! The project's chores: `cargo xtask test`, `cargo xtask bench` and `cargo xtask dist`.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it talks to a person at a terminal, and no product logic lives here"
)]

mod bench;
mod cargo;
mod dist;
mod host;
mod loopback;
mod process;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use process::{Interrupted, Processes};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    Test(test::Arguments),
    Bench(bench::Arguments),
    Dist(dist::Arguments),
}

fn main() -> ExitCode {
    run(&Chore::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        exit_code(&error)
    })
}

fn run(chore: &Chore) -> Result<ExitCode> {
    let processes = Processes::new()?;
    match chore {
        Chore::Test(arguments) => test::run(arguments, &processes),
        Chore::Bench(arguments) => bench::run(arguments, &processes),
        Chore::Dist(arguments) => dist::run(arguments, &processes),
    }
}

/// 128 + n after signal n, as a shell would report it; otherwise 1.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    error
        .downcast_ref::<Interrupted>()
        .map_or(ExitCode::FAILURE, |interrupted| {
            ExitCode::from(interrupted.exit_code())
        })
}
