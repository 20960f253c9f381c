//! Operations: what an automation key may start, and how one ends.

use std::fmt;
use std::str::FromStr;

/// Exit code of an operation that ran into its timeout.
pub const EXIT_TIMEOUT: i32 = 124;
/// Exit code of an operation that could not be run.
pub const EXIT_NOT_RUN: i32 = 125;
/// Added to the signal's number when a signal ended the command.
pub const EXIT_SIGNAL_BASE: i32 = 128;
/// Exit code of an operation that was cancelled.
pub const EXIT_CANCELLED: i32 = 130;
/// Exit code of an operation that nobody reported on in time.
pub const EXIT_LOST: i32 = 255;

/// What is done to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum OperationKind {
    Exec,
    Deploy,
    Restart,
    Reboot,
    RegistryLogin,
    RegistryLogout,
}

/// The text names no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not an operation: use exec, deploy, restart, reboot, registry_login or registry_logout"
)]
pub struct UnknownOperation;

impl OperationKind {
    /// Every kind, in the order of the specification.
    pub const ALL: [Self; 6] = [
        Self::Exec,
        Self::Deploy,
        Self::Restart,
        Self::Reboot,
        Self::RegistryLogin,
        Self::RegistryLogout,
    ];

    /// The kind's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exec => "exec",
            Self::Deploy => "deploy",
            Self::Restart => "restart",
            Self::Reboot => "reboot",
            Self::RegistryLogin => "registry_login",
            Self::RegistryLogout => "registry_logout",
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OperationKind {
    type Err = UnknownOperation;

    fn from_str(text: &str) -> Result<Self, UnknownOperation> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownOperation)
    }
}

/// A set of operation kinds.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct OperationKinds(u8);

impl OperationKinds {
    /// Every kind.
    pub fn all() -> Self {
        OperationKind::ALL.into_iter().collect()
    }

    /// Whether `kind` is in the set.
    pub fn contains(self, kind: OperationKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// The kinds in the order of the specification.
    pub fn iter(self) -> impl Iterator<Item = OperationKind> {
        OperationKind::ALL
            .into_iter()
            .filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<OperationKind> for OperationKinds {
    fn from_iter<I: IntoIterator<Item = OperationKind>>(kinds: I) -> Self {
        Self(
            kinds
                .into_iter()
                .fold(0, |bits, kind| bits | 1 << kind as u8),
        )
    }
}

impl fmt::Debug for OperationKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Where an operation stands, as clients see it: there is no other state on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationState {
    /// Accepted, and not ended.
    Running,
    /// It ran to its end, whatever its exit code.
    Completed,
    /// It could not be run, was cancelled or was lost.
    Failed,
    /// It was stopped at its timeout.
    Timeout,
}

impl OperationState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Completed, Self::Failed, Self::Timeout];

    /// The state's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
        }
    }

    /// Whether the state is final.
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Running)
    }
}

impl fmt::Display for OperationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_kinds_holds_what_was_put_in() {
        for kind in OperationKind::ALL {
            let set: OperationKinds = [kind].into_iter().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), [kind]);
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!(OperationKinds::all().iter().count(), 6);
    }

    #[test]
    fn only_running_is_not_terminal() {
        for state in OperationState::ALL {
            assert_eq!(state.is_terminal(), state != OperationState::Running);
        }
    }
}
