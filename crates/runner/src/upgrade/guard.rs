//! Whoever waits for a new program to connect: a process of the previous program.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use reoclo_domain::counted;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

use super::record::{Kind, Record};
use super::{UpgradeOptions, previous, replace};
use crate::data_dir::DataDir;
use crate::lock::{Lock, is_running, lock_upgrade};
use crate::nothing::no_stdio;
use crate::run::{MachineFiles, Reached, reach};
use crate::{Ambient, RunnerError};

/// Between two looks at whether it has connected.
const LOOK: Duration = Duration::from_millis(50);
/// Between TERM and KILL of a program that has to go.
const GRACE: Duration = Duration::from_secs(5);
/// The service's own arguments, for a guard that has to take its place. A variable, because a
/// guard of an older version does not know it.
const SERVICE: &str = "REOCLO_SERVICE_ARGUMENTS";

/// What a guard is started with.
#[derive(Clone, Debug)]
pub struct GuardOptions {
    /// The runner's data directory.
    pub data_dir: PathBuf,
    /// The file of the program.
    pub program: PathBuf,
    /// The new program has to connect within this time.
    pub within: Duration,
    /// The process of the new program.
    pub pid: u32,
    /// What the service starts the program with, as JSON; none where that is not known.
    pub service_arguments: Option<String>,
    /// How long a service may take to start its program again.
    pub restart_patience: Duration,
    /// What this machine is known by.
    pub machine: MachineFiles,
}

/// Starts a guard, unless there is no previous program; a second one at once ends by itself.
pub(super) fn start(options: &UpgradeOptions, dir: &DataDir) {
    let previous = previous(&options.program);
    if !previous.exists() {
        return;
    }
    let arguments: Vec<_> = options
        .arguments
        .iter()
        .map(|it| it.to_string_lossy())
        .collect();
    let mut guard = Command::new(previous);
    guard
        .args(["runner", "guard-upgrade", "--data-dir"])
        .arg(dir.path())
        .arg("--program")
        .arg(&options.program)
        .args([
            "--within",
            &options.connect_within.as_secs_f64().to_string(),
        ])
        .args(["--pid", &std::process::id().to_string()])
        .env(SERVICE, serde_json::json!(arguments).to_string())
        .process_group(0);
    let started = no_stdio().and_then(|stdin| {
        let stdout = no_stdio()?;
        guard.stdin(stdin).stdout(stdout).spawn()
    });
    if let Err(error) = started {
        tracing::warn!(%error, "nobody guards the new program");
    }
}

/// Starts a guard where a new program has yet to connect, as after a reboot. Where a crash came
/// before the new program was in its place, it was never tried.
pub(crate) fn resume(options: &UpgradeOptions, dir: &DataDir) {
    let Some(record) = Record::trying(dir) else {
        return;
    };
    if record.is_of(&options.program) {
        start(options, dir);
    } else if let Err(error) = Record::forget(dir) {
        tracing::warn!(%error, "a change of the program that never was is still noted");
    }
}

/// Waits for the new program's first connection. When there is none in time, and this program
/// could have connected, it puts the previous one back and sees to it that it runs.
pub async fn guard(options: GuardOptions, ambient: Ambient) -> Result<(), RunnerError> {
    let dir = DataDir::open_existing(&options.data_dir)?;
    let Ok(lock) = lock_upgrade(&dir).await else {
        return Ok(());
    };
    let begun = begun_at(options.pid);
    loop {
        let connected = async {
            while Record::trying(&dir).is_some() {
                sleep(LOOK).await;
            }
        };
        if timeout(options.within, connected).await.is_ok() {
            return Ok(());
        }
        if reach(&options.data_dir, &options.machine, &ambient).await == Reached::ControlPlane {
            break;
        }
        tracing::warn!(
            "the new program does not connect, and neither can the previous one: the network is \
             at fault, and the new one keeps its place"
        );
    }
    let Some(record) = Record::trying(&dir) else {
        return Ok(());
    };
    // One that is gone ended by itself: it would do so again.
    let kind = if begun.is_some() && begun_at(options.pid) == begun {
        Kind::Time
    } else {
        Kind::End
    };
    let within = counted(options.within.as_secs_f64(), "second");
    let reason = match kind {
        Kind::Time => format!("it did not connect within {within}"),
        Kind::End => format!("it ended, and did not connect within {within}"),
    };
    tracing::error!(
        reason,
        "the new program goes, and the previous one comes back"
    );
    let now = ambient.clock.now();
    replace::roll_back(record, &options.program, &dir, (kind, &reason), now)
        .map_err(RunnerError::Enrolled)?;
    let ended = end_all(&options, begun).await;
    keep_running(&options, &ended, lock).await
}

/// Ends the new program's process, and whatever runner there is.
async fn end_all(options: &GuardOptions, begun: Option<u64>) -> Vec<u32> {
    let runner = is_running(&options.data_dir).ok().flatten();
    let own = Some(options.pid).filter(|pid| begun.is_some() && begun_at(*pid) == begun);
    let pids: Vec<u32> = [own, runner].into_iter().flatten().collect();
    for pid in &pids {
        end(*pid).await;
    }
    pids
}

/// A service starts its program again, unless the new one ended as one that should not be. Then
/// systemd is asked to, and where there is none, this process becomes the runner.
async fn keep_running(
    options: &GuardOptions,
    ended: &[u32],
    lock: Lock,
) -> Result<(), RunnerError> {
    let started = async {
        loop {
            let runner = is_running(&options.data_dir).ok().flatten();
            if runner.is_some_and(|pid| pid != 0 && !ended.contains(&pid)) {
                return;
            }
            sleep(LOOK).await;
        }
    };
    if timeout(options.restart_patience, started).await.is_ok() {
        return Ok(());
    }
    match unit() {
        Some(unit) => {
            start_unit(&unit);
            Ok(())
        }
        None => become_the_runner(options, lock),
    }
}

/// One that a person has stopped meanwhile is not started: that one has not failed.
fn start_unit(unit: &str) {
    let systemctl = |verb: &str| Command::new("systemctl").args([verb, unit]).status();
    if !systemctl("is-failed").is_ok_and(|status| status.success()) {
        return;
    }
    tracing::warn!(
        unit,
        "the service does not start the previous program again, and is told to"
    );
    let done = systemctl("reset-failed").and_then(|_| systemctl("start"));
    if !done.as_ref().is_ok_and(std::process::ExitStatus::success) {
        tracing::error!(?done, unit, "the service could not be started");
    }
}

/// The unit of systemd that this process belongs to, if it is one.
fn unit() -> Option<String> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    if !Path::new("/run/systemd/system").is_dir() {
        return None;
    }
    groups.lines().find_map(|line| {
        let last = line.rsplit('/').find(|part| part.ends_with(".service"))?;
        Some(last.to_owned())
    })
}

/// Comes back only when it failed.
fn become_the_runner(options: &GuardOptions, lock: Lock) -> Result<(), RunnerError> {
    let arguments: Option<Vec<OsString>> = options.service_arguments.as_ref().and_then(|text| {
        let words: Vec<String> = serde_json::from_str(text).ok()?;
        Some(words.into_iter().map(OsString::from).collect())
    });
    let Some(arguments) = arguments else {
        return Ok(());
    };
    tracing::warn!("no service starts the previous program again, and this process becomes it");
    drop(lock);
    let error = Command::new(&options.program)
        .args(arguments)
        .env_remove(SERVICE)
        .exec();
    Err(RunnerError::NotStarted(error))
}

/// When a process began, in ticks since the boot: with its id, this names it. The 22nd field of
/// proc_pid_stat(5), behind a name that may hold anything.
fn begun_at(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    // A zombie has ended.
    if fields.trim_start().starts_with('Z') {
        return None;
    }
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

async fn end(pid: u32) {
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let begun = begun_at(pid);
    // It may be gone already, which is all that is wanted.
    let _ = kill_process(process, Signal::TERM);
    let gone = async {
        while begun.is_some() && begun_at(pid) == begun {
            sleep(LOOK).await;
        }
    };
    if timeout(GRACE, gone).await.is_err() {
        let _ = kill_process(process, Signal::KILL);
    }
}
