use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use reoclo_wire::proto::{Exec, Reboot};

use crate::mask::Patterns;

/// A day: far above what the control plane allows.
const LONGEST_SECONDS: u32 = 24 * 60 * 60;

/// The request makes no sense, and the control plane should not have sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("the command holds a NUL character")]
    Command,
    #[error("the working directory holds a NUL character")]
    WorkingDirectory,
    #[error("the name of a variable is empty or holds `=` or a NUL character")]
    VariableName,
    #[error("the value of a variable holds a NUL character")]
    VariableValue,
    #[error("the timeout is not between one second and a day")]
    Timeout,
}

/// What is started.
pub(super) enum Program {
    /// A text for the shell, as the user whom commands run as.
    Shell(String),
    /// The host's own program and its arguments, as the supervisor's user.
    Own(Vec<OsString>),
}

/// A command that can be run.
pub(crate) struct Request {
    pub(super) program: Program,
    pub(super) working_directory: String,
    pub(super) env: HashMap<String, String>,
    pub(super) timeout: Duration,
    pub(super) patterns: Patterns,
}

impl Request {
    /// Checks once more what the control plane has checked.
    pub(crate) fn new(exec: Exec) -> Result<Self, Invalid> {
        check(&exec)?;
        Ok(Self {
            patterns: Patterns::new(exec.mask.iter().map(AsRef::as_ref)),
            program: Program::Shell(exec.command),
            working_directory: exec.working_directory,
            env: exec.env,
            timeout: Duration::from_secs(exec.timeout_seconds.into()),
        })
    }

    /// The host's own reboot command.
    pub(crate) fn reboot(command: &[OsString], reboot: Reboot) -> Result<Self, Invalid> {
        check_timeout(reboot.timeout_seconds)?;
        Ok(Self {
            program: Program::Own(command.to_vec()),
            working_directory: String::new(),
            env: HashMap::new(),
            timeout: Duration::from_secs(reboot.timeout_seconds.into()),
            patterns: Patterns::new(std::iter::empty()),
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn check_timeout(seconds: u32) -> Result<(), Invalid> {
    if (1..=LONGEST_SECONDS).contains(&seconds) {
        Ok(())
    } else {
        Err(Invalid::Timeout)
    }
}

fn check(exec: &Exec) -> Result<(), Invalid> {
    let nul = |text: &str| text.contains('\0');
    if nul(&exec.command) {
        return Err(Invalid::Command);
    }
    if nul(&exec.working_directory) {
        return Err(Invalid::WorkingDirectory);
    }
    check_timeout(exec.timeout_seconds)?;
    for (name, value) in &exec.env {
        if name.is_empty() || name.contains('=') || nul(name) {
            return Err(Invalid::VariableName);
        }
        if nul(value) {
            return Err(Invalid::VariableValue);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exec(change: impl FnOnce(&mut Exec)) -> Result<(), Invalid> {
        let mut exec = Exec {
            command: "true".to_owned(),
            timeout_seconds: 1,
            ..Exec::default()
        };
        change(&mut exec);
        Request::new(exec).map(|_| ())
    }

    fn variable(name: &str, value: &str) -> Result<(), Invalid> {
        exec(|exec| {
            exec.env.insert(name.to_owned(), value.to_owned());
        })
    }

    #[test]
    fn what_the_system_cannot_take_is_refused() {
        assert_eq!(exec(|_| {}), Ok(()));
        assert_eq!(exec(|e| e.command = "a\0b".into()), Err(Invalid::Command));
        let directory = exec(|exec| exec.working_directory = "\0".into());
        assert_eq!(directory, Err(Invalid::WorkingDirectory));
        for timeout in [0, LONGEST_SECONDS + 1] {
            assert_eq!(exec(|e| e.timeout_seconds = timeout), Err(Invalid::Timeout));
        }
        assert_eq!(variable("A", "=\n"), Ok(()));
        for name in ["", "A=B", "A\0"] {
            assert_eq!(variable(name, "x"), Err(Invalid::VariableName));
        }
        assert_eq!(variable("A", "\0"), Err(Invalid::VariableValue));
    }
}
