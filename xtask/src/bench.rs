//! `cargo xtask bench`: the release binary, measured beside an `ssh` and an nginx of the same run.

mod nginx;
mod sshd;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::cargo::{build, build_with, cargo};
use crate::host::{self, Host};
use crate::process::Processes;
use crate::test::postgres::{self, Care, Postgres};

use nginx::Nginx;
use sshd::Sshd;

/// The crate that measures, and its binary.
const BENCH: &str = "reoclo-bench";

/// Run the benchmarks: builds the release binary, starts a private sshd, a private nginx and
/// a private PostgreSQL on loopback ports, and hands all of them to `reoclo-bench`. Needs root;
/// installs OpenSSH, nginx and PostgreSQL where they are missing (Debian or Ubuntu) and adds the account
/// `reoclo-bench`, which has no password and stays.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Say where the processor time of a command goes, instead: samples a build of its own, with
    /// symbols and frame pointers. Needs perf
    #[arg(long)]
    profile: bool,
    /// Handed to reoclo-bench as they are
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENT"
    )]
    arguments: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, processes: &Processes) -> Result<ExitCode> {
    if arguments.profile {
        return profile(arguments, processes);
    }
    prepare(processes)?;
    let binary = build("reoclo", "release", processes)?;
    let bench = build(BENCH, "release", processes)?;
    let sshd = Sshd::start(processes)?;
    let nginx = Nginx::start()?;
    let postgres = Postgres::start(processes, Care::Usual)?;
    let mut command = Command::new(bench);
    command
        .args(&arguments.arguments)
        .env("REOCLO_BENCH_BINARY", binary)
        .env("REOCLO_BENCH_SSH_PORT", sshd.port().to_string())
        .env("REOCLO_BENCH_SSH_KEY", sshd.key())
        .env("REOCLO_BENCH_SSH_USER", sshd::ACCOUNT)
        .env("REOCLO_BENCH_POSTGRES_URL", postgres.url())
        .env("REOCLO_BENCH_NGINX_PORT", nginx.port().to_string())
        .env("REOCLO_BENCH_NGINX_ROOT", nginx.root());
    measure(&mut command, processes)
}

/// The sampled binary is as fast as the released one within a few percent.
fn profile(arguments: &Arguments, processes: &Processes) -> Result<ExitCode> {
    let mut command = cargo();
    command
        .arg("build")
        .env("RUSTFLAGS", "-C force-frame-pointers=yes")
        .env("CFLAGS", "-fno-omit-frame-pointer");
    let binary = build_with(command, "reoclo", "profiling", processes)?;
    let bench = build(BENCH, "release", processes)?;
    let mut command = Command::new(bench);
    command
        .args(["--only", "profile"])
        .args(&arguments.arguments)
        .env("REOCLO_BENCH_BINARY", binary);
    measure(&mut command, processes)
}

fn measure(command: &mut Command, processes: &Processes) -> Result<ExitCode> {
    let status = processes.run(command)?.status;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Installs OpenSSH, nginx and PostgreSQL where they are missing.
fn prepare(processes: &Processes) -> Result<()> {
    let host = Host::detect();
    if !host.is_root() {
        bail!("the benchmarks need root: they start an sshd that another account signs in to");
    }
    let mut packages = sshd::missing_packages();
    packages.extend(nginx::missing_packages());
    if postgres::programs().is_none() {
        packages.push("postgresql");
    }
    if packages.is_empty() {
        return Ok(());
    }
    if let Some(why_not) = host.why_not_install() {
        let packages = packages.join(" and ");
        bail!("the benchmarks need {packages}, and {why_not}");
    }
    host::install(&packages, processes)
}
