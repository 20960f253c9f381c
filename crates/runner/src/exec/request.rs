use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use reoclo_domain::RegistryAddressError;
use reoclo_domain::masking::Patterns;
use reoclo_wire::proto::{Exec, Reboot};

use super::docker::DockerCall;
use super::script::{NoInterpreter, Script};
use super::user::Who;

/// A day: far above what the control plane allows.
const LONGEST_SECONDS: u32 = 24 * 60 * 60;

/// Values to hide in output, and their bytes together: above what the control plane lets pass,
/// and little enough for all their forms to be in memory.
const MOST_SECRETS: usize = 16_384;
const MOST_SECRET_BYTES: usize = 1 << 20;

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
    #[error("there is more to hide in the output than 16384 values and 1 MiB together")]
    Secrets,
    #[error("the timeout is not between one second and a day")]
    Timeout,
    #[error(transparent)]
    Interpreter(#[from] NoInterpreter),
    #[error("the registry {0}")]
    Registry(RegistryAddressError),
    #[error("the registry is not in the form in which Docker files its logins")]
    RegistryForm,
    #[error("the user name is empty or holds a control character")]
    Username,
    #[error("the password is empty, too long or holds a NUL character")]
    Password,
    #[error("the holder of the login is longer than 4096 bytes")]
    Holder,
}

/// What is started.
pub(super) enum Program {
    /// A text for the shell, as the user whom commands run as.
    Shell(String),
    /// A text for the interpreter that it names, as the user whom commands run as.
    Script(Script),
    /// The host's own program and its arguments, as the supervisor's user.
    Own(Vec<OsString>),
    /// Docker's command line, as the user whom commands run as.
    Docker(DockerCall),
}

impl Program {
    /// As whom it runs.
    pub(super) fn who(&self) -> Who {
        match self {
            Self::Own(_) => Who::Own,
            Self::Shell(_) | Self::Script(_) | Self::Docker(_) => Who::ExecUser,
        }
    }
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
            timeout: checked_timeout(exec.timeout_seconds)?,
            program: Program::Shell(exec.command),
            working_directory: exec.working_directory,
            env: exec.env,
        })
    }

    /// A command whose first line names its interpreter.
    pub(crate) fn script(exec: Exec) -> Result<Self, Invalid> {
        let script = Script::parse(&exec.command)?;
        Ok(Self {
            program: Program::Script(script),
            ..Self::new(exec)?
        })
    }

    /// The host's own reboot command.
    pub(crate) fn reboot(command: &[OsString], reboot: Reboot) -> Result<Self, Invalid> {
        Ok(Self {
            program: Program::Own(command.to_vec()),
            timeout: checked_timeout(reboot.timeout_seconds)?,
            ..Self::default()
        })
    }
}

/// Nothing, at home, with no variables of its own and no secrets.
impl Default for Request {
    fn default() -> Self {
        Self {
            program: Program::Shell(String::new()),
            working_directory: String::new(),
            env: HashMap::new(),
            timeout: Duration::ZERO,
            patterns: Patterns::new([]),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
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
    for (name, value) in &exec.env {
        if name.is_empty() || name.contains('=') || nul(name) {
            return Err(Invalid::VariableName);
        }
        if nul(value) {
            return Err(Invalid::VariableValue);
        }
    }
    let secrets: usize = exec.mask.iter().map(bytes::Bytes::len).sum();
    if exec.mask.len() > MOST_SECRETS || secrets > MOST_SECRET_BYTES {
        return Err(Invalid::Secrets);
    }
    Ok(())
}

pub(super) fn checked_timeout(seconds: u32) -> Result<Duration, Invalid> {
    if (1..=LONGEST_SECONDS).contains(&seconds) {
        Ok(Duration::from_secs(seconds.into()))
    } else {
        Err(Invalid::Timeout)
    }
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
        let secrets = |count, len| exec(|exec| exec.mask = vec![vec![b'x'; len].into(); count]);
        assert_eq!(secrets(256, 4096), Ok(()));
        assert_eq!(secrets(257, 4096), Err(Invalid::Secrets));
        assert_eq!(secrets(16_385, 1), Err(Invalid::Secrets));
        assert_eq!(variable("A", "=\n"), Ok(()));
        for name in ["", "A=B", "A\0"] {
            assert_eq!(variable(name, "x"), Err(Invalid::VariableName));
        }
        assert_eq!(variable("A", "\0"), Err(Invalid::VariableValue));
    }
}
