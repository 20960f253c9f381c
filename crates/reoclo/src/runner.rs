//! `reoclo runner`, and the supervisor that it starts.

mod enrol;
mod status;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use reoclo_domain::Secret;
use reoclo_runner::{
    Ambient, GuardOptions, MachineFiles, NO_PROXY_VARIABLES, PROXY_VARIABLES, ProxySettings,
    RunnerError, RunnerOptions, RunnerTiming, SupervisorCommand, SupervisorOptions, UpgradeOptions,
    UserLookup, check_exec_user,
};

use reoclo_wire::link::{Keepalive, LinkSettings};

use crate::exit::{decommissioned, misuse};
use crate::{ambient, args, open_files, signals};

/// What Docker's command line on this machine is told by its environment.
const DOCKER_VARIABLES: [&str; 5] = [
    "DOCKER_CONFIG",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
];

pub(crate) fn run(arguments: args::RunnerArgs) -> anyhow::Result<ExitCode> {
    match arguments.command {
        None => keep_running(arguments.options),
        Some(args::RunnerCommand::Enrol(options)) => enrol::run(options),
        Some(args::RunnerCommand::Status(options)) => status::run(options),
        Some(args::RunnerCommand::Probe(options)) => probe(&options),
        Some(args::RunnerCommand::GuardUpgrade(options)) => guard_upgrade(options),
    }
}

fn keep_running(options: args::RunnerOptions) -> anyhow::Result<ExitCode> {
    check_user(&options)?;
    if let Some(files) = options.open_files {
        open_files::allow(Some(files)).context("cannot limit the open files")?;
    }
    let supervisor = SupervisorCommand {
        program: std::env::current_exe().context("cannot find the program itself")?,
        args: supervisor_arguments(&options),
    };
    let mut timing = RunnerTiming::default();
    timing.reconnect.most = seconds(options.reconnect_most)?;
    let Keepalive { every, timeout } = keepalive(options.keepalive)?;
    timing.stalled_after = every + timeout;
    let upgrade = upgrade(&options)?;
    let machine = machine_files(&options);
    let options = RunnerOptions {
        data_dir: options.data_dir,
        url: options.url,
        token: options.token.map(Secret::new),
        ca_cert: options.ca_cert,
        supervisor,
        machine,
        upgrade,
        timing,
    };
    let stop = signals::stop_requested();
    small_runtime()?
        .block_on(reoclo_runner::run(options, ambient(), stop))
        .map_err(end)?;
    Ok(ExitCode::SUCCESS)
}

fn check_user(options: &args::RunnerOptions) -> anyhow::Result<()> {
    let checked = async { check_exec_user(options.exec_user.as_deref(), &user_lookup()).await };
    small_runtime()?.block_on(checked).map_err(misuse)?;
    Ok(())
}

/// With the libraries of name services where this process would find them.
pub(crate) fn user_lookup() -> UserLookup {
    UserLookup {
        environment: ambient::variables(&["LD_LIBRARY_PATH"]),
        ..UserLookup::default()
    }
}

fn keepalive(options: args::KeepaliveOptions) -> anyhow::Result<Keepalive> {
    Ok(Keepalive {
        every: seconds(options.keepalive_every)?,
        timeout: seconds(options.keepalive_timeout)?,
    })
}

fn machine_files(options: &args::RunnerOptions) -> MachineFiles {
    let usual = MachineFiles::default();
    MachineFiles {
        boot_id: options.boot_id_file.clone().unwrap_or(usual.boot_id),
        machine_id: options.machine_id_file.clone().unwrap_or(usual.machine_id),
    }
}

/// Only a program that install.sh put there, and that a service starts again, replaces itself.
fn upgrade(options: &args::RunnerOptions) -> anyhow::Result<Option<UpgradeOptions>> {
    if !options.installed || options.no_self_upgrade {
        return Ok(None);
    }
    Ok(Some(UpgradeOptions {
        program: std::env::current_exe().context("cannot find the program itself")?,
        arguments: std::env::args_os().skip(1).collect(),
        connect_within: seconds(options.upgrade_within)?,
        again_after: seconds(options.upgrade_again)?,
    }))
}

/// With everything that a service starts the runner with, so that what the new program does not
/// understand shows before it takes the place.
fn probe(options: &args::RunnerOptions) -> anyhow::Result<ExitCode> {
    check_user(options)?;
    let machine = machine_files(options);
    small_runtime()?.block_on(reoclo_runner::probe(&options.data_dir, &machine, ambient()))?;
    Ok(ExitCode::SUCCESS)
}

fn guard_upgrade(options: args::GuardOptions) -> anyhow::Result<ExitCode> {
    let machine = MachineFiles {
        boot_id: options
            .boot_id_file
            .unwrap_or_else(|| MachineFiles::default().boot_id),
        ..MachineFiles::default()
    };
    let options = GuardOptions {
        data_dir: options.data_dir,
        program: options.program,
        within: seconds(options.within)?,
        pid: options.pid,
        service_arguments: options.service_arguments,
        restart_patience: seconds(options.restart_patience)?,
        machine,
    };
    let guarding = reoclo_runner::guard_upgrade(options, ambient());
    small_runtime()?.block_on(guarding)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether another start would help decides the exit code.
fn end(error: RunnerError) -> anyhow::Error {
    match error {
        RunnerError::Decommissioned => decommissioned(error),
        error if error.may_pass() => error.into(),
        error => misuse(error),
    }
}

pub(crate) fn supervise(options: args::SupervisorOptions) -> anyhow::Result<ExitCode> {
    let usual = SupervisorOptions::new(options.data_dir);
    let reboot_command = if options.reboot_words.is_empty() {
        usual.reboot_command.clone()
    } else {
        options.reboot_words
    };
    let boot_id_file = options.boot_id_file;
    let options = SupervisorOptions {
        exec_user: options.exec_user,
        user_lookup: user_lookup(),
        home: std::env::var_os("HOME").map(PathBuf::from),
        kill_grace: seconds(options.kill_grace)?,
        idle_exit: seconds(options.idle_exit)?,
        docker_environment: ambient::variables(&DOCKER_VARIABLES),
        link: LinkSettings {
            supervisor_keepalive: keepalive(options.keepalive)?,
            ..LinkSettings::default()
        },
        reboot_command,
        boot_id_file: boot_id_file.unwrap_or_else(|| usual.boot_id_file.clone()),
        ..usual
    };
    let stop = signals::stop_requested();
    small_runtime()?.block_on(reoclo_runner::supervise(options, ambient(), stop))?;
    Ok(ExitCode::SUCCESS)
}

/// One thread is enough to pass bytes on and to wait for processes, and it is the smallest.
fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

fn supervisor_arguments(options: &args::RunnerOptions) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["supervisor".into(), "--data-dir".into()];
    arguments.push(absolute(&options.data_dir).into());
    arguments.extend(["--kill-grace".into(), options.kill_grace.to_string().into()]);
    arguments.extend([
        "--idle-exit".into(),
        options.supervisor_idle.to_string().into(),
    ]);
    let keepalive = options.keepalive;
    for (flag, seconds) in [
        ("--keepalive-every", keepalive.keepalive_every),
        ("--keepalive-timeout", keepalive.keepalive_timeout),
    ] {
        arguments.extend([flag.into(), seconds.to_string().into()]);
    }
    if let Some(user) = &options.exec_user {
        arguments.extend(["--exec-user".into(), user.into()]);
    }
    for word in options
        .reboot_command
        .iter()
        .filter(|word| !word.is_empty())
    {
        arguments.extend(["--reboot-word".into(), word.clone()]);
    }
    if let Some(file) = &options.boot_id_file {
        arguments.extend(["--boot-id-file".into(), absolute(file).into()]);
    }
    arguments
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn seconds(value: f64) -> anyhow::Result<Duration> {
    Duration::try_from_secs_f64(value)
        .map_err(|_| misuse(anyhow::anyhow!("{value} is not a number of seconds")))
}

/// The first variable that is set and not empty.
fn proxy() -> ProxySettings {
    let first = |names: &[&'static str]| {
        names.iter().find_map(|name| {
            let value = std::env::var(name).ok()?;
            (!value.trim().is_empty()).then_some((*name, value))
        })
    };
    let proxy = first(&PROXY_VARIABLES);
    ProxySettings {
        proxy: proxy.map(|(name, value)| (name, Secret::new(value))),
        except: first(&NO_PROXY_VARIABLES).map(|(_, value)| value),
    }
}

fn ambient() -> Ambient {
    Ambient {
        clock: ambient::clock(),
        entropy: ambient::entropy(),
        proxy: proxy(),
    }
}
