//! Exit codes: 0 success, 1 it failed or the answer is no, 2 it was asked or configured wrongly,
//! 3 the control plane has removed this server, 4 a checkpoint is not one of this audit log, which
//! itself is intact. After 2 and 3 another start changes nothing, and
//! the systemd unit of a runner says so.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::logging::error_prefix;
use crate::stderr::say;

/// Something in the command line, the configuration or the surroundings is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{}", on_one_line(.0))]
pub(crate) struct Misuse(anyhow::Error);

/// The control plane has removed this server.
#[derive(Debug, thiserror::Error)]
#[error("{}", on_one_line(.0))]
pub(crate) struct Decommissioned(anyhow::Error);

/// The exit code of a runner whose server was removed.
pub(crate) const DECOMMISSIONED: u8 = 3;
/// The exit code of a verification with a checkpoint that is not the log's own.
pub(crate) const STRANGE_CHECKPOINT: u8 = 4;
/// The exit code of what was asked or configured wrongly.
pub(crate) const MISUSE: u8 = 2;

/// Marks the end of a runner whose server was removed, and exits with 3.
pub(crate) fn decommissioned(error: impl Into<anyhow::Error>) -> anyhow::Error {
    anyhow::Error::new(Decommissioned(error.into()))
}

/// Marks an error as one that the user can put right, and exits with 2.
pub(crate) fn misuse(error: impl Into<anyhow::Error>) -> anyhow::Error {
    anyhow::Error::new(Misuse(error.into()))
}

/// Prints an error as one line and chooses the exit code.
pub(crate) fn report(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&format!(
                "{}reoclo: {}",
                error_prefix(),
                on_one_line(&error)
            ));
            ExitCode::from(settled(code(&error)))
        }
    }
}

/// What the process ends with. A new program of a runner that has yet to prove itself never ends
/// for good: its service is to start it again, until the previous one is put back.
pub(crate) fn settled(code: u8) -> u8 {
    let is_final = matches!(code, MISUSE | DECOMMISSIONED);
    if is_final && is_runner_on_trial(std::env::args_os()) {
        1
    } else {
        code
    }
}

/// By the words of the command line: they may be what the new program does not understand.
fn is_runner_on_trial(words: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = words.skip(1).collect();
    let is_service = ["runner", "--installed"]
        .iter()
        .all(|word| words.iter().any(|given| given == word));
    is_service && reoclo_runner::is_on_trial(&data_dir(&words))
}

fn data_dir(words: &[OsString]) -> PathBuf {
    const FLAG: &str = "--data-dir";
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == FLAG {
            return words.next().map(PathBuf::from).unwrap_or_default();
        }
        let joined = word
            .to_str()
            .and_then(|word| word.strip_prefix(FLAG)?.strip_prefix('='));
        if let Some(path) = joined {
            return path.into();
        }
    }
    let given = std::env::var_os("REOCLO_RUNNER_DIR");
    given.map_or_else(|| PathBuf::from("./.reoclo-runner"), PathBuf::from)
}

fn code(error: &anyhow::Error) -> u8 {
    if error.is::<Misuse>() {
        MISUSE
    } else if error.is::<Decommissioned>() {
        DECOMMISSIONED
    } else {
        1
    }
}

/// An error and its causes; one whose text stands in the one before it is not repeated.
fn on_one_line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.ends_with(&cause) {
            line.push_str(": ");
            line.push_str(&cause);
        }
    }
    line.replace('\n', " ")
}
