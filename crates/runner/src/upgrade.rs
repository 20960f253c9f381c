//! Following the control plane's program: download, verify, try, replace, and go back if the new
//! one does not connect.
//!
//! 1. The offer comes with the welcome. It is wanted unless it is older, is what runs already, or
//!    failed here before.
//! 2. The program is downloaded beside the present one, over the same trust, and its checksum and
//!    size are verified. Then it has to prove itself: run as `runner probe`, it must get the
//!    control plane's welcome with this machine's identity. Until then nothing has changed.
//! 3. The present program is kept as `reoclo.previous`, the new one takes its name, and this
//!    process becomes it. Commands go on under their supervisor.
//! 4. A guard, run by the previous program, waits for the new one's first connection. If there is
//!    none in time, it puts the previous program back and ends the new one's process, which the
//!    service then starts again. The failure is remembered, reported once, and not tried again.

mod download;
mod guard;
mod record;
mod replace;
mod version;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reoclo_wire::handshake::ProgramOffer;
use tokio::process::Command;

use crate::data_dir::DataDir;
use crate::dial::Dialer;

use download::Downloaded;
use record::{Record, State};

pub use guard::guard;
pub(crate) use guard::resume;
pub(crate) use record::{confirm, note_reported, unreported};
pub(crate) use replace::become_it;

/// How a runner that a service keeps running follows the control plane's program.
#[derive(Clone, Debug)]
pub struct UpgradeOptions {
    /// The file of the program, which is replaced.
    pub program: PathBuf,
    /// What this process was started with, less the program itself.
    pub arguments: Vec<OsString>,
    /// A new program has to connect within this time.
    pub connect_within: Duration,
}

/// Where the previous program is kept.
pub(crate) fn previous(program: &Path) -> PathBuf {
    let mut name = program.file_name().unwrap_or_default().to_owned();
    name.push(".previous");
    program.with_file_name(name)
}

/// A program that has proved itself and is to be become.
pub(crate) struct Prepared {
    file: Downloaded,
    record: Record,
}

/// Why there is nothing to become.
pub(crate) enum NotPrepared {
    /// It is not wanted, or something in between failed that may be better next time.
    Nothing,
    /// It is no good: this is to be reported.
    Failed,
}

/// Downloads and tries an offer, if it is wanted.
pub(crate) async fn prepare(
    options: &UpgradeOptions,
    dir: &DataDir,
    dialer: &Dialer,
    offer: &ProgramOffer,
) -> Result<Prepared, NotPrepared> {
    let own = tokio::task::spawn_blocking(download::own_checksum).await;
    let Ok(Ok(own)) = own else {
        return Err(NotPrepared::Nothing);
    };
    if !is_wanted(offer, &own, Record::load(dir).as_ref()) {
        return Err(NotPrepared::Nothing);
    }
    tracing::info!(
        version = offer.version,
        "the control plane has another program"
    );
    let file = match download::download(&options.program, dialer, offer).await {
        Ok(file) => file,
        Err(error) => {
            let reason = crate::run::with_sources(&error);
            tracing::warn!(reason, "the new program was not downloaded");
            return Err(NotPrepared::Nothing);
        }
    };
    let mut record = Record::new(offer, own);
    if let Err(reason) = try_out(&file, dir, options.connect_within).await {
        tracing::error!(reason, "the new program is no good, and this one stays");
        record.fail(reason);
        return match record.save(dir) {
            Ok(()) => Err(NotPrepared::Failed),
            Err(_) => Err(NotPrepared::Nothing),
        };
    }
    Ok(Prepared { file, record })
}

/// Not older than this program, for this platform, and not one that was here before.
fn is_wanted(offer: &ProgramOffer, own: &str, record: Option<&Record>) -> bool {
    let present = env!("CARGO_PKG_VERSION");
    let Some(order) = version::compare(&offer.version, present) else {
        return false;
    };
    // Of two builds of one version, neither is newer: the other one is taken once, and the way
    // back is not, so that two control planes cannot send a runner to and fro.
    let was_here = |record: &Record| match record.state {
        State::Failed => record.sha256 == offer.sha256,
        State::Trying | State::Done => order.is_eq() && record.previous_sha256 == offer.sha256,
    };
    offer.platform == crate::platform()
        && order.is_ge()
        && offer.sha256 != own
        && !record.is_some_and(was_here)
}

/// Has the program connect once with this machine's identity.
async fn try_out(file: &Downloaded, dir: &DataDir, limit: Duration) -> Result<(), String> {
    let mut probe = Command::new(file.path());
    probe
        .args(["runner", "probe", "--data-dir"])
        .arg(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    match tokio::time::timeout(limit, probe.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("it could not connect when it was tried ({status})")),
        Ok(Err(error)) => Err(format!("it could not be run: {error}")),
        Err(_) => Err("it did not connect in time when it was tried".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(version: &str, sha256: &str) -> ProgramOffer {
        ProgramOffer {
            version: version.into(),
            platform: crate::platform(),
            sha256: sha256.into(),
            size: 1,
        }
    }

    fn record(state: State) -> Record {
        let mut record = Record::new(&offer("9.0.0", "new"), "old".into());
        record.state = state;
        record
    }

    #[test]
    fn a_newer_program_is_wanted_and_an_older_one_is_not() {
        assert!(is_wanted(&offer("9.0.0", "new"), "own", None));
        assert!(is_wanted(
            &offer(env!("CARGO_PKG_VERSION"), "new"),
            "own",
            None
        ));
        assert!(!is_wanted(&offer("0.0.1", "new"), "own", None));
        assert!(!is_wanted(&offer("9.0.0", "own"), "own", None));
        assert!(!is_wanted(&offer("nine", "new"), "own", None));
        let mut other = offer("9.0.0", "new");
        other.platform = "linux-sparc64".into();
        assert!(!is_wanted(&other, "own", None));
    }

    #[test]
    fn what_failed_is_not_tried_again_and_another_one_is() {
        let failed = record(State::Failed);
        assert!(!is_wanted(&offer("9.0.0", "new"), "own", Some(&failed)));
        assert!(is_wanted(&offer("9.0.0", "newer"), "own", Some(&failed)));
    }

    #[test]
    fn two_builds_of_one_version_do_not_take_turns() {
        let done = record(State::Done);
        let same = env!("CARGO_PKG_VERSION");
        assert!(!is_wanted(&offer(same, "old"), "new", Some(&done)));
        assert!(is_wanted(&offer(same, "third"), "new", Some(&done)));
        assert!(is_wanted(&offer("9.0.0", "old"), "new", Some(&done)));
    }
}
