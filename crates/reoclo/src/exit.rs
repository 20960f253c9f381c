//! Exit codes: 0 success, 1 it failed or the answer is no, 2 it was asked or configured wrongly.

use std::process::ExitCode;

/// Something in the command line, the configuration or the surroundings is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(crate) struct Misuse(anyhow::Error);

/// Marks an error as one that the user can put right, and exits with 2.
pub(crate) fn misuse(error: impl Into<anyhow::Error>) -> anyhow::Error {
    anyhow::Error::new(Misuse(error.into()))
}

/// Prints an error as one line and chooses the exit code.
#[expect(clippy::print_stderr, reason = "this is where errors reach the user")]
pub(crate) fn report(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) => {
            let line = format!("{error:#}").replace('\n', " ");
            eprintln!("reoclo: {line}");
            ExitCode::from(if error.is::<Misuse>() { 2 } else { 1 })
        }
    }
}
