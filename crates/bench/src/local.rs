//! Commands started by this process itself.

use std::io::{Read, sink};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// `sh -c true`, from the start to the end.
pub(crate) fn run_true() -> Result<()> {
    succeed(shell("true").stdout(Stdio::null()))
}

/// `sh -c COMMAND`, its output read and thrown away.
pub(crate) fn read_output(command: &str) -> Result<()> {
    drain(&mut shell(command))
}

/// Runs it; it has to succeed.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

/// Runs it and reads its output; it has to succeed.
pub(crate) fn drain(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = started.with_context(|| format!("cannot start {name}"))?;
    if let Some(output) = child.stdout.take() {
        std::io::copy(&mut output.take(u64::MAX), &mut sink())?;
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{name} ended with {status}");
    }
    Ok(())
}

fn shell(command: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]);
    shell
}
