use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reoclo_domain::Clock;
use serde::{Deserialize, Serialize};

use super::Origin;
use crate::data_dir::private_file;
use crate::mutex::lock;

/// An operation that was started, as `ID.started` has it: enough for another supervisor to find
/// what runs, and to end it in time. Earlier versions wrote no more than the first two fields, and
/// read these of a longer file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Started {
    pub(crate) boot_id: String,
    pub(crate) instance_id: String,
    /// When its process was started, or else it was admitted; this and what follows in
    /// milliseconds since the boot.
    #[serde(default)]
    pub(crate) since_ms: Option<u64>,
    /// When it is to be ended.
    #[serde(default)]
    pub(crate) until_ms: Option<u64>,
    /// The time that it has.
    #[serde(default)]
    pub(crate) limit_ms: Option<u64>,
    #[serde(default)]
    pub(crate) process: Option<StartedProcess>,
}

/// A command's own process, and where the rest of it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StartedProcess {
    pub(crate) pid: u32,
    /// In ticks since the boot: with its id, this names it.
    pub(crate) begun: u64,
    /// The session of the supervisor that started it, which others are in too.
    #[serde(default)]
    pub(crate) session: u32,
    /// Its cgroup.
    #[serde(default)]
    pub(crate) group: Option<PathBuf>,
    /// Its output's pipes, by the number of their inode.
    #[serde(default)]
    pub(crate) pipes: Vec<u64>,
}

/// Keeps what is to be known of an operation that runs.
pub(crate) struct Journal {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    started: Mutex<Started>,
}

impl Journal {
    pub(super) fn new(path: PathBuf, origin: &Origin, clock: &Arc<dyn Clock>) -> Self {
        Self {
            path,
            clock: Arc::clone(clock),
            started: Mutex::new(Started {
                boot_id: origin.boot_id.clone(),
                instance_id: origin.instance_id.clone(),
                ..Started::default()
            }),
        }
    }

    /// Says on disk that the operation starts; fails when it ever did.
    pub(crate) fn begin(&self) -> io::Result<()> {
        let mut file = private_file().create_new(true).open(&self.path)?;
        let written = file.write_all(&serde_json::to_vec(&*lock(&self.started))?);
        if written.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        written
    }

    /// The operation's time begins.
    pub(crate) fn is_limited_to(&self, limit: Duration) {
        let now = self.clock.monotonic();
        let mut started = lock(&self.started);
        started.since_ms = Some(milliseconds(now));
        started.until_ms = Some(milliseconds(now.saturating_add(limit)));
        started.limit_ms = Some(milliseconds(limit));
    }

    /// The operation has a process from now on, or another than before. Without a place on disk
    /// it runs all the same, and is looked for by its mark.
    pub(crate) fn runs(&self, process: StartedProcess) {
        let mut started = lock(&self.started);
        if started.process.is_none() {
            started.since_ms = Some(milliseconds(self.clock.monotonic()));
        }
        started.process = Some(process);
        if let Err(error) = rewrite(&self.path, &started) {
            tracing::warn!(%error, "what runs could not be written down");
        }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// In one write over what was there, so that a kill leaves the one or the other.
fn rewrite(path: &Path, started: &Started) -> io::Result<()> {
    let text = serde_json::to_vec(started)?;
    let file = private_file().open(path)?;
    let before = file.metadata()?.len();
    let mut padded = text;
    // Blanks after the end are no part of it.
    padded.resize(padded.len().max(usize::try_from(before).unwrap_or(0)), b' ');
    file.write_all_at(&padded, 0)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_an_earlier_version_is_read_and_it_reads_ours() {
        let earlier = r#"{"boot_id":"b","instance_id":"i"}"#;
        let read: Started = serde_json::from_str(earlier).unwrap();
        assert_eq!((read.boot_id.as_str(), &read.process), ("b", &None));
        assert_eq!((read.since_ms, read.until_ms), (None, None));
        let ours = serde_json::to_string(&read).unwrap();
        let origin: Origin = serde_json::from_str(&ours).unwrap();
        assert_eq!(origin.instance_id, "i");
    }

    #[test]
    fn a_shorter_text_over_a_longer_one_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.started");
        let mut started = Started {
            instance_id: "a much longer one".to_owned(),
            ..Started::default()
        };
        fs::write(&path, serde_json::to_vec(&started).unwrap()).unwrap();
        started.instance_id = "i".to_owned();
        rewrite(&path, &started).unwrap();
        let read: Started = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(read, started);
    }
}
