//! `reoclo runner status`.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use reoclo_domain::counted;
use reoclo_runner::{RunnerProcess, RunnerStatus, ServerStatus, SupervisorStatus};

use super::small_runtime;
use crate::args::{Output, StatusOptions};
use crate::exit::misuse;

/// Where `reoclo runner` keeps its data unless it is told otherwise, and where install.sh does.
const PLACES: [&str; 2] = ["./.reoclo-runner", "/var/lib/reoclo-runner"];

pub(super) fn run(options: StatusOptions) -> anyhow::Result<ExitCode> {
    let data_dir = options.data_dir.unwrap_or_else(usual_place);
    let status = small_runtime()?
        .block_on(reoclo_runner::status(&data_dir))
        .with_context(|| format!("cannot read {}", data_dir.display()))
        .map_err(misuse)?;
    let text = match options.output {
        Output::Json => serde_json::to_string(&status)?,
        Output::Text => text(&status, &data_dir),
    };
    writeln!(stdout(), "{text}")?;
    Ok(ExitCode::from(u8::from(!status.is_connected())))
}

fn usual_place() -> PathBuf {
    let mut places = PLACES.iter().map(Path::new);
    let found = places.find(|place| place.join("runner.json").exists());
    found.unwrap_or(Path::new(PLACES[0])).to_owned()
}

fn text(status: &RunnerStatus, data_dir: &Path) -> String {
    let lines = [
        ("server", server(status.server.as_ref(), data_dir)),
        ("runner", runner(status.runner.as_ref())),
        ("machine", machine(status.runner.as_ref())),
        ("supervisor", supervisor(status.supervisor.as_ref())),
    ];
    let previous = status.previous_supervisors.iter();
    let previous = previous.map(|previous| ("and before", supervisor(Some(previous))));
    let lines = lines.into_iter().chain(previous);
    let lines = lines.map(|(name, text)| format!("{name:<12}{text}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn server(server: Option<&ServerStatus>, data_dir: &Path) -> String {
    match server {
        None => format!("not enrolled: {} holds no identity", data_dir.display()),
        Some(server) if server.was_removed => {
            format!("{}, removed from {}", server.id, server.url)
        }
        Some(server) => format!("{} of {}", server.id, server.url),
    }
}

fn runner(runner: Option<&RunnerProcess>) -> String {
    let Some(runner) = runner else {
        return "not running".into();
    };
    let mut text = runner.state.to_owned();
    if let Some(since) = runner.since {
        text += &format!(" since {since}");
    }
    text += &format!(" (process {}", runner.pid);
    if let Some(version) = &runner.version {
        text += &format!(", version {version}");
    }
    text.push(')');
    if let Some(reason) = &runner.reason {
        text += &format!(": {reason}");
    }
    text
}

/// What an admin compares when a copy claims to be the same server.
fn machine(runner: Option<&RunnerProcess>) -> String {
    let name = runner.map(|runner| (runner.machine.as_deref(), &runner.host_name));
    match name {
        Some((Some(fingerprint), host)) => format!("{fingerprint} ({host})"),
        _ => "not known before its runner has reached the control plane".into(),
    }
}

fn supervisor(supervisor: Option<&SupervisorStatus>) -> String {
    match supervisor {
        None => "not running".into(),
        Some(supervisor) => format!(
            "{} running (process {}, version {}, since {})",
            counted(supervisor.running_operations, "operation"),
            supervisor.pid,
            supervisor.version,
            supervisor.since
        ),
    }
}
