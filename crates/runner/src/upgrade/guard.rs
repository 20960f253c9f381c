//! Whoever waits for a new program to connect: a process of the previous program.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

use super::record::Record;
use super::{previous, replace};
use crate::RunnerError;
use crate::data_dir::DataDir;
use crate::lock::{is_running, lock_upgrade};

/// Between two looks at whether it has connected.
const LOOK: Duration = Duration::from_millis(50);
/// Between TERM and KILL of a program that has to go.
const GRACE: Duration = Duration::from_secs(5);

/// Starts a guard, unless there is no previous program; a second one at once ends by itself.
pub(super) fn start(program: &Path, dir: &DataDir, within: Duration) {
    let previous = previous(program);
    if !previous.exists() {
        return;
    }
    let started = Command::new(previous)
        .args(["runner", "guard-upgrade", "--data-dir"])
        .arg(dir.path())
        .arg("--program")
        .arg(program)
        .args(["--within", &within.as_secs_f64().to_string()])
        .args(["--pid", &std::process::id().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn();
    if let Err(error) = started {
        tracing::warn!(%error, "nobody guards the new program");
    }
}

/// Starts a guard where a new program has yet to connect, as after a reboot.
pub(crate) fn resume(program: &Path, dir: &DataDir, within: Duration) {
    if Record::is_trying(dir) {
        start(program, dir, within);
    }
}

/// Waits for the new program's first connection; puts the previous one back when there is none
/// `within` the time, and ends process `pid`, or whatever runner there is, so that its service
/// starts the previous one.
pub async fn guard(
    data_dir: &Path,
    program: &Path,
    within: Duration,
    pid: u32,
) -> Result<(), RunnerError> {
    let dir = DataDir::open_existing(data_dir)?;
    let Ok(_lock) = lock_upgrade(&dir).await else {
        return Ok(());
    };
    let begun = begun_at(pid);
    let connected = async {
        while Record::is_trying(&dir) {
            sleep(LOOK).await;
        }
    };
    if timeout(within, connected).await.is_ok() {
        return Ok(());
    }
    let Some(mut record) = Record::load(&dir) else {
        return Ok(());
    };
    let reason = format!("it did not connect within {} seconds", within.as_secs_f64());
    tracing::error!(
        reason,
        "the new program goes, and the previous one comes back"
    );
    replace::roll_back(&mut record, program, &dir, &reason).map_err(RunnerError::Enrolled)?;
    let runner = is_running(data_dir).ok().flatten();
    for pid in [Some(pid).filter(|pid| begun_at(*pid) == begun), runner]
        .into_iter()
        .flatten()
    {
        end(pid).await;
    }
    Ok(())
}

/// When a process began, in ticks since the boot: with its id, this names it. The 22nd field of
/// proc_pid_stat(5), behind a name that may hold anything.
fn begun_at(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
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
