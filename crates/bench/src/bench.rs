//! The benchmarks. Each says its bar.

mod audit;
mod dashboard;
mod exec;
mod idle_runners;
mod key_check;
mod masking;
mod memory;
mod postgres;
mod profile;
mod rest;
mod sign_in_storm;
mod start;
mod stored_operations;
mod stream;

use anyhow::Result;
use clap::ValueEnum;

use crate::lab::Lab;
use crate::report::Report;

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Bench {
    /// From the start of the process to ready
    Start,
    /// Resident memory of control plane, runner and supervisor
    Memory,
    /// Checking a key, with few and with many keys stored
    KeyCheck,
    /// A list over HTTP, with a key and without one, beside a file of nginx
    Rest,
    /// Audit rows per second on disk
    Audit,
    /// Running a command, beside a local one and beside SSH
    Exec,
    /// Running a command on a PostgreSQL, with one key and with many
    Postgres,
    /// Running a command while strangers guess passwords
    SignInStorm,
    /// 64 MiB of output, beside SSH
    Stream,
    /// 1 GiB of output with 200 secrets, beside the same without
    Masking,
    /// Running a command after a million others, and listing those
    StoredOperations,
    /// Pages of the dashboard, with few and with many things to show
    Dashboard,
    /// Ten thousand runners that have nothing to do
    IdleRunners,
    /// Where the processor time of a command goes; only where it is named
    Profile,
}

impl Bench {
    /// The name on the command line and in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Memory => "memory",
            Self::KeyCheck => "key_check",
            Self::Rest => "rest",
            Self::Audit => "audit",
            Self::Exec => "exec",
            Self::Postgres => "postgres",
            Self::SignInStorm => "sign_in_storm",
            Self::Stream => "stream",
            Self::Masking => "masking",
            Self::StoredOperations => "stored_operations",
            Self::Dashboard => "dashboard",
            Self::IdleRunners => "idle_runners",
            Self::Profile => "profile",
        }
    }

    /// What it measures, for people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Start => "start: `reoclo up`, from the start of the process to its ready line",
            Self::Memory => "memory: what is resident, after a rest",
            Self::KeyCheck => {
                "key_check: from the token to the proof of permission, in this process"
            }
            Self::Rest => "rest: `GET /api/servers`, over HTTP on loopback with kept connections",
            Self::Audit => "audit: rows on disk, through the store in this process",
            Self::Exec => "exec: `true`, over HTTP on loopback with a kept connection",
            Self::Postgres => "postgres: `true` on a PostgreSQL, with one key and with 32",
            Self::SignInStorm => "sign_in_storm: `true`, alone and while strangers guess passwords",
            Self::Stream => "stream: 64 MiB and 1 GiB of output from one command",
            Self::Masking => "masking: 1 GiB of output with and without secrets to hide",
            Self::StoredOperations => {
                "stored_operations: `true` when many were run before, over HTTP on loopback"
            }
            Self::Dashboard => "dashboard: pages as the server makes them, over HTTP on loopback",
            Self::IdleRunners => {
                "idle_runners: connected to one control plane, from a process of their own"
            }
            Self::Profile => "profile: processor time of the control plane, sampled by perf",
        }
    }

    pub(crate) fn run(self, lab: &Lab, report: &mut Report) -> Result<()> {
        match self {
            Self::Start => start::run(lab, report),
            Self::Memory => memory::run(lab, report),
            Self::KeyCheck => key_check::run(lab, report),
            Self::Rest => rest::run(lab, report),
            Self::Audit => audit::run(lab, report),
            Self::Exec => exec::run(lab, report),
            Self::Postgres => postgres::run(lab, report),
            Self::SignInStorm => sign_in_storm::run(lab, report),
            Self::Stream => stream::run(lab, report),
            Self::Masking => masking::run(lab, report),
            Self::StoredOperations => stored_operations::run(lab, report),
            Self::Dashboard => dashboard::run(lab, report),
            Self::IdleRunners => idle_runners::run(lab, report),
            Self::Profile => profile::run(lab),
        }
    }
}
