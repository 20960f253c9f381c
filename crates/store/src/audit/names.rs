//! The names that an audit row chooses from.

/// The kinds of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person who is signed in.
    User,
    /// An integration key.
    IntegrationKey,
    /// An automation key.
    AutomationKey,
    /// A server's runner.
    Runner,
    /// The instance itself, or whoever owns the machine.
    System,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditOutcome {
    /// It was done.
    Success,
    /// It was tried and went wrong.
    Failure,
    /// It was not allowed.
    Refused,
    /// It is about to be done.
    Intent,
}

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::User,
        Self::IntegrationKey,
        Self::AutomationKey,
        Self::Runner,
        Self::System,
    ];

    /// The kind's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::IntegrationKey => "integration_key",
            Self::AutomationKey => "automation_key",
            Self::Runner => "runner",
            Self::System => "system",
        }
    }
}

impl AuditOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Success, Self::Failure, Self::Refused, Self::Intent];

    /// The outcome's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Refused => "refused",
            Self::Intent => "intent",
        }
    }
}
