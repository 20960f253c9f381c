//! `reoclo-bench`: measures Reoclo beside something that is measured in the same run.
//!
//! Started by `cargo xtask bench`, which builds the release binary and provides an sshd. It never
//! judges: a missed bar is printed and the exit code stays 0. The exit code is 1 when something
//! could not be measured.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it prints for people, and measuring is reading the clock"
)]

mod ambient;
mod args;
mod bench;
mod contest;
mod database;
mod disk;
mod fill;
mod fleet;
mod http;
mod instance;
mod interrupt;
mod lab;
mod local;
mod loopback;
mod machine;
mod memory;
mod ports;
mod processes;
mod processor;
mod report;
mod samples;
mod scratch;
mod ssh;
mod unit;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use args::Args;
use lab::Lab;
use report::Report;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.simulate_runners {
        Some(file) => fleet::run(file).map(|()| ExitCode::SUCCESS),
        None => run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(args: &Args) -> Result<ExitCode> {
    let lab = Lab::open(args)?;
    let mut report = Report::begin();
    for bench in args.chosen() {
        println!("\n{}", bench.title());
        if let Err(error) = bench.run(&lab, &mut report) {
            report.unmeasured(bench.name(), "the rest of it", &error);
        }
    }
    report.print_bars();
    if let Some(file) = &args.json {
        report.write(file)?;
    }
    Ok(if report.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
