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
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reoclo_domain::Timestamp;
use reoclo_wire::handshake::ProgramOffer;
use tokio::process::Command;

use crate::Ambient;
use crate::data_dir::DataDir;
use crate::dial::Dialer;
use crate::nothing::no_stdio;
use crate::run::{MachineFiles, Reached, reach};

use download::Downloaded;
use record::{Kind, Record, State};

pub(crate) use guard::resume;
pub use guard::{GuardOptions, guard};
pub use record::is_on_trial;
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
    /// One that took too long is tried again after this time, and each time after twice as much.
    pub again_after: Duration,
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

/// What a change of the program works with.
pub(crate) struct Surroundings<'a> {
    pub(crate) options: &'a UpgradeOptions,
    pub(crate) dir: &'a DataDir,
    pub(crate) dialer: &'a Dialer,
    pub(crate) machine: &'a MachineFiles,
    pub(crate) ambient: &'a Ambient,
}

/// Downloads and tries an offer, if it is wanted, or as soon as it is.
pub(crate) async fn prepare(
    at: Surroundings<'_>,
    offer: &ProgramOffer,
) -> Result<Prepared, NotPrepared> {
    let own = tokio::task::spawn_blocking(download::own_checksum).await;
    let Ok(Ok(own)) = own else {
        return Err(NotPrepared::Nothing);
    };
    let before = Record::load(at.dir);
    match wanted(offer, &own, before.as_ref(), at.options.again_after) {
        Wanted::Now => {}
        Wanted::At(then) => tokio::time::sleep(then.since(at.ambient.clock.now())).await,
        Wanted::Never => return Err(NotPrepared::Nothing),
    }
    tracing::info!(
        version = offer.version,
        "the control plane has another program"
    );
    let file = match download::download(&at.options.program, at.dialer, offer).await {
        Ok(file) => file,
        Err(error) => {
            let reason = crate::run::with_sources(&error);
            tracing::warn!(reason, "the new program was not downloaded");
            return Err(NotPrepared::Nothing);
        }
    };
    let mut record = Record::new(offer, own, before.as_ref());
    let Err((kind, reason)) = try_out(&file, at.options).await else {
        return Ok(Prepared { file, record });
    };
    if reach(at.dir.path(), at.machine, at.ambient).await == Reached::Nobody {
        tracing::warn!(
            reason,
            "the new program was tried, and the network was at fault"
        );
        return Err(NotPrepared::Nothing);
    }
    tracing::error!(reason, "the new program is no good, and this one stays");
    record.fail((kind, &reason), at.ambient.clock.now());
    match record.save(at.dir) {
        Ok(()) => Err(NotPrepared::Failed),
        Err(_) => Err(NotPrepared::Nothing),
    }
}

/// Whether an offer is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Now,
    At(Timestamp),
    Never,
}

/// Not older than this program, for this platform, and not one that was here before.
fn wanted(
    offer: &ProgramOffer,
    own: &str,
    record: Option<&Record>,
    again_after: Duration,
) -> Wanted {
    let present = env!("CARGO_PKG_VERSION");
    let Some(order) = version::compare(&offer.version, present) else {
        return Wanted::Never;
    };
    if offer.platform != crate::platform() || order.is_lt() || offer.sha256 == own {
        return Wanted::Never;
    }
    // Of two builds of one version, neither is newer: the other one is taken once, and the way
    // back is not, so that two control planes cannot send a runner to and fro.
    let Some(record) = record else {
        return Wanted::Now;
    };
    match record.state {
        State::Failed if record.sha256 == offer.sha256 => record
            .again_at(again_after)
            .map_or(Wanted::Never, Wanted::At),
        State::Trying | State::Done if order.is_eq() && record.previous_sha256 == offer.sha256 => {
            Wanted::Never
        }
        _ => Wanted::Now,
    }
}

/// Has the program connect once with this machine's identity, started as the service starts it.
async fn try_out(file: &Downloaded, options: &UpgradeOptions) -> Result<(), (Kind, String)> {
    let unready = |error: io::Error| (Kind::Time, format!("it could not be tried: {error}"));
    let mut probe = Command::new(file.path());
    probe
        .args(probe_arguments(&options.arguments))
        .stdin(no_stdio().map_err(unready)?)
        .stdout(no_stdio().map_err(unready)?)
        .kill_on_drop(true);
    match tokio::time::timeout(options.connect_within, probe.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => {
            let reason = format!("it could not connect when it was tried ({status})");
            Err((Kind::End, reason))
        }
        Ok(Err(error)) => Err((Kind::End, format!("it could not be run: {error}"))),
        Err(_) => {
            let reason = "it did not connect in time when it was tried";
            Err((Kind::Time, reason.to_owned()))
        }
    }
}

/// The service's own, as `runner probe`.
fn probe_arguments(service: &[OsString]) -> Vec<OsString> {
    let mut arguments = service.to_vec();
    let runner = arguments.iter().position(|word| word == "runner");
    arguments.insert(runner.map_or(0, |at| at + 1), "probe".into());
    arguments
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
        let mut record = Record::new(&offer("9.0.0", "new"), "old".into(), None);
        record.state = state;
        record
    }

    fn is_wanted(offer: &ProgramOffer, own: &str, record: Option<&Record>) -> bool {
        wanted(offer, own, record, HOUR) == Wanted::Now
    }

    const HOUR: Duration = Duration::from_hours(1);

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
    fn what_ended_by_itself_is_not_tried_again_and_another_one_is() {
        let mut failed = record(State::Trying);
        failed.fail((Kind::End, "it ended"), Timestamp::from_micros(0));
        let (same, other) = (offer("9.0.0", "new"), offer("9.0.0", "newer"));
        assert_eq!(wanted(&same, "own", Some(&failed), HOUR), Wanted::Never);
        assert!(is_wanted(&other, "own", Some(&failed)));
    }

    #[test]
    fn what_took_too_long_is_tried_again_each_time_later() {
        let at = |hours| Timestamp::from_micros(0).plus(HOUR * hours);
        let mut record = record(State::Trying);
        let mut again = Vec::new();
        for _ in 0..7 {
            record.fail((Kind::Time, "it was slow"), at(0));
            again.push(wanted(&offer("9.0.0", "new"), "own", Some(&record), HOUR));
            // The next attempt knows of those before.
            record = Record::new(&offer("9.0.0", "new"), "own".into(), Some(&record));
        }
        let expected = [1, 2, 4, 8, 16, 24, 24].map(|hours| Wanted::At(at(hours)));
        assert_eq!(again, expected);
    }

    #[test]
    fn two_builds_of_one_version_do_not_take_turns() {
        let done = record(State::Done);
        let same = env!("CARGO_PKG_VERSION");
        assert!(!is_wanted(&offer(same, "old"), "new", Some(&done)));
        assert!(is_wanted(&offer(same, "third"), "new", Some(&done)));
        assert!(is_wanted(&offer("9.0.0", "old"), "new", Some(&done)));
    }

    #[test]
    fn a_program_is_tried_with_what_the_service_starts_it_with() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        let service = words("runner --data-dir /d --installed --exec-user deploy");
        let expected = words("runner probe --data-dir /d --installed --exec-user deploy");
        assert_eq!(probe_arguments(&service), expected);
    }
}
