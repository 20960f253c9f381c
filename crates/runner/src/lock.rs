//! One runner and one supervisor for each data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::data_dir::DataDir;

const RUNNER_LOCK: &str = "runner.lock";
const ENROLMENT_LOCK: &str = "enrolment.lock";
const REGISTRY_LOGINS_LOCK: &str = "registry-logins.lock";
const UPGRADE_LOCK: &str = "upgrade.lock";
/// The lock of the supervisor that the runner finds.
pub(crate) const SUPERVISOR_LOCK: &str = "supervisor.lock";
/// The same of one that was succeeded, in the directory of its own.
pub(crate) const SUCCEEDED_LOCK: &str = "lock";
const HANDOVER_LOCK: &str = "handover.lock";
const TRIES: u32 = 40;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// A lock was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("a {what} is already running on this data directory (process {pid})")]
    Held {
        /// `runner` or `supervisor`.
        what: &'static str,
        /// The process that holds it; 0 when it did not say.
        pid: u32,
    },
    /// The lock's file cannot be used.
    #[error("cannot use the lock of the {what}")]
    File {
        /// `runner` or `supervisor`.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

/// A lock, held until dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Whether a runner holds `data_dir`, and the id of its process (0 in the moment in which it has
/// not written it yet).
pub fn is_running(data_dir: &Path) -> io::Result<Option<u32>> {
    let mut file = match File::open(data_dir.join(RUNNER_LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder(&mut file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the runner's lock, or says who has it.
pub(crate) async fn lock_runner(dir: &DataDir) -> Result<Lock, LockError> {
    // [`is_running`] holds it shared for a moment: that is not another runner.
    lock(dir, RUNNER_LOCK, "runner", 3).await
}

/// Takes the lock of whoever changes which server this is; waits for one that is doing it.
pub(crate) async fn lock_enrolment(dir: &DataDir) -> Result<Lock, LockError> {
    lock(dir, ENROLMENT_LOCK, "enrolment", TRIES).await
}

/// Takes the lock of whoever guards a new program.
pub(crate) async fn lock_upgrade(dir: &DataDir) -> Result<Lock, LockError> {
    lock(dir, UPGRADE_LOCK, "guard", 1).await
}

/// Takes the supervisor's lock; waits for one that is just ending.
pub(crate) async fn lock_supervisor(dir: &DataDir) -> Result<Lock, LockError> {
    lock(dir, SUPERVISOR_LOCK, "supervisor", TRIES).await
}

/// Takes the lock of whoever puts itself before another supervisor; waits for one that is doing it.
pub(crate) async fn lock_handover(dir: &DataDir) -> Result<Lock, LockError> {
    lock(dir, HANDOVER_LOCK, "supervisor", TRIES).await
}

/// Takes the lock of whoever changes Docker's logins; waits for another for as long as it takes.
pub(crate) async fn lock_registry_logins(dir: &DataDir) -> Result<Lock, LockError> {
    loop {
        match lock(dir, REGISTRY_LOGINS_LOCK, "registry login", TRIES).await {
            Err(LockError::Held { .. }) => {}
            taken => return taken,
        }
    }
}

/// Whether somebody holds the lock at a path.
pub(crate) fn is_held(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

async fn lock(
    dir: &DataDir,
    name: &str,
    what: &'static str,
    tries: u32,
) -> Result<Lock, LockError> {
    let failed = |source| LockError::File { what, source };
    let mut file = open(&dir.join(name)).map_err(failed)?;
    for _ in 1..tries {
        if try_lock(&file).map_err(failed)? {
            return own(file).map_err(failed);
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    if try_lock(&file).map_err(failed)? {
        return own(file).map_err(failed);
    }
    let pid = holder(&mut file);
    Err(LockError::Held { what, pid })
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn own(mut file: File) -> io::Result<Lock> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(Lock { _file: file })
}

fn holder(file: &mut File) -> u32 {
    let mut text = String::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(16).read_to_string(&mut text));
    read.map_or(0, |_| text.trim().parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_runner_is_refused_and_told_by_whom() {
        let path = tempfile::tempdir().unwrap();
        let dir = DataDir::open(path.path()).unwrap();
        assert_eq!(is_running(path.path()).unwrap(), None);
        let first = lock_runner(&dir).await.unwrap();
        let me = std::process::id();
        assert_eq!(is_running(path.path()).unwrap(), Some(me));
        let second = lock_runner(&dir).await.unwrap_err();
        assert!(matches!(second, LockError::Held { pid, .. } if pid == me));
        drop(first);
        assert_eq!(is_running(path.path()).unwrap(), None);
        lock_runner(&dir).await.unwrap();
    }
}
