//! Why a request was refused, and what the caller can do about it.

use std::collections::BTreeMap;

use reoclo_dispatch::Error;
use reoclo_domain::{
    Cell, ErrorCode, KeyKind, OperationId, OperationKind, OperationKinds, RateVerdict, Role,
    Timestamp, counted,
};
use reoclo_store::{Conflict, StoreError};

use crate::CredentialKind;

/// Seconds that a client should wait when there is no better figure.
const SOON: u64 = 5;
/// What people still count in seconds.
const IN_SECONDS: u64 = 90;

/// Every refusal has a stable code; its text says what to do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum Refusal {
    #[error(
        "no API key came with the request: send it as `Authorization: Bearer <key>`, or sign in"
    )]
    MissingCredentials,
    #[error("the API key is not valid: check that it was copied whole and not changed")]
    InvalidKey,
    #[error("this key expired at {0}: create a new one on the API Keys page")]
    KeyExpired(Timestamp),
    #[error("this key was revoked: create a new one on the API Keys page")]
    KeyRevoked,
    #[error(
        "this needs {}: integration keys (rk_t_) call /api and /mcp, automation keys (rca_) call \
         /api/automation/v1, and keys and settings are managed by people who are signed in",
        credential_name(*.needed)
    )]
    WrongKeyType { needed: CredentialKind },
    #[error("the e-mail address or the password is not right")]
    InvalidCredentials,
    #[error("this temporary password has expired: ask an admin for a new one")]
    TemporaryPasswordExpired,
    #[error("this session has ended: sign in again")]
    SessionExpired,
    #[error(
        "this request could come from another site: send the session's csrf_token as \
         X-CSRF-Token, and no Origin but this one"
    )]
    CsrfFailed,
    #[error(
        "this form is of a page that was opened before you signed in again or switched between \
         organizations, so nothing was done: open the page again and send it from there"
    )]
    FormOutdated,
    #[error(
        "this form is of a page of another organization: you have switched to the present one \
         since, in another tab, so nothing was done. Switch back and open the page again"
    )]
    FormOfAnotherOrganization,
    #[error("choose a password of your own first: POST /api/auth/password")]
    PasswordChangeRequired,
    #[error("this needs the role {needed} or higher, and yours is {role}: ask an admin")]
    RoleInsufficient { needed: Role, role: Role },
    #[error("only the instance's first admin and those whom they named create organizations")]
    MayNotCreateOrganizations,
    #[error(
        "there were too many attempts with wrong passwords or keys: try again in {}",
        time(*.retry_after)
    )]
    TooManyAttempts { retry_after: u64 },
    #[error(
        "{missing} is missing here: use a key that has it, or ask an admin for a role that grants it"
    )]
    PermissionDenied { missing: Cell },
    #[error("this key may not {operation}: its operations are {}", names(*.allowed))]
    OperationNotAllowed {
        operation: OperationKind,
        allowed: OperationKinds,
    },
    #[error("this key may not touch that server: add the server to a key's scope")]
    ServerNotInScope,
    #[error("this key may not be used from {seen}: add the address to the key's IP allowlist")]
    IpNotAllowed { seen: String },
    #[error(
        "this key has made its {} of the last minute: try again in {}",
        counted(.0.limit, "request"), time(.0.reset_seconds)
    )]
    RateLimited(RateVerdict),
    #[error("{0} was not found")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(String),
    #[error("this form was sent before and has done its work: load the page anew to do it again")]
    FormTaken,
    /// A conflict over what one field of the request says.
    #[error("{detail}")]
    Taken { field: &'static str, detail: String },
    #[error(
        "the server's runner is not connected, so nothing was started: check `reoclo runner` on that server"
    )]
    ServerUnreachable,
    #[error("{0}")]
    RunnerOutdated(String),
    #[error(
        "the server runs {}, and {queued} {}, so nothing was started: wait for one to end, or try \
         again in {}",
        counted(.limit, "operation"), if *.queued == 1 { "waits" } else { "wait" }, time(SOON)
    )]
    ServerBusy { limit: usize, queued: usize },
    #[error("{0}")]
    InvalidRequest(InvalidFields),
    #[error(
        "more people sign in at this moment than this machine can check: try again in a few seconds"
    )]
    Busy,
    #[error("Reoclo is shutting down: try again in a few seconds")]
    ShuttingDown,
    #[error("nothing was done, since it could not be written to the audit log: try again later")]
    AuditUnavailable(#[source] StoreError),
    #[error("the database does not answer, so nothing was done: try again in a few seconds")]
    Unavailable(#[source] StoreError),
    #[error("this version does not run {0} yet: nothing was done")]
    NotImplemented(OperationKind),
    #[error(
        "credential not in scope: this key may use its listed registry credentials only, so send \
         one of them as credential_id"
    )]
    CredentialNotInScope,
    #[error("something went wrong on the server; the request id names it in the logs")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// The stable name of the refusal.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::MissingCredentials => ErrorCode::MissingCredentials,
            Self::InvalidKey => ErrorCode::InvalidKey,
            Self::KeyExpired(_) => ErrorCode::KeyExpired,
            Self::KeyRevoked => ErrorCode::KeyRevoked,
            Self::WrongKeyType { .. } => ErrorCode::WrongKeyType,
            Self::InvalidCredentials | Self::TemporaryPasswordExpired => {
                ErrorCode::InvalidCredentials
            }
            Self::SessionExpired => ErrorCode::SessionExpired,
            Self::CsrfFailed => ErrorCode::CsrfFailed,
            Self::FormOutdated | Self::FormOfAnotherOrganization => ErrorCode::FormOutdated,
            Self::PasswordChangeRequired => ErrorCode::PasswordChangeRequired,
            Self::RoleInsufficient { .. } => ErrorCode::RoleInsufficient,
            Self::TooManyAttempts { .. } => ErrorCode::TooManyAttempts,
            Self::PermissionDenied { .. } | Self::MayNotCreateOrganizations => {
                ErrorCode::PermissionDenied
            }
            Self::OperationNotAllowed { .. } => ErrorCode::OperationNotAllowed,
            Self::ServerNotInScope => ErrorCode::ServerNotInScope,
            Self::IpNotAllowed { .. } => ErrorCode::IpNotAllowed,
            Self::RateLimited(_) => ErrorCode::RateLimited,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Conflict(_) | Self::FormTaken | Self::Taken { .. } => ErrorCode::Conflict,
            Self::ServerUnreachable => ErrorCode::ServerUnreachable,
            Self::RunnerOutdated(_) => ErrorCode::RunnerOutdated,
            Self::ServerBusy { .. } => ErrorCode::ServerBusy,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::Busy => ErrorCode::Busy,
            Self::ShuttingDown => ErrorCode::ShuttingDown,
            Self::AuditUnavailable(_) => ErrorCode::AuditUnavailable,
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::NotImplemented(_) => ErrorCode::NotImplemented,
            Self::CredentialNotInScope => ErrorCode::CredentialNotInScope,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// After how many seconds the same may be asked again, where that is all it takes; never 0.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::RateLimited(verdict) => Some(verdict.reset_seconds.max(1)),
            Self::TooManyAttempts { retry_after } => Some((*retry_after).max(1)),
            Self::ServerBusy { .. }
            | Self::Busy
            | Self::ShuttingDown
            | Self::Unavailable(_)
            | Self::AuditUnavailable(_) => Some(SOON),
            _ => None,
        }
    }

    /// Whether a key or person that is known was refused for what they are, or for how often they
    /// ask: such refusals are audited.
    pub(crate) const fn denies_a_known_holder(&self) -> bool {
        matches!(
            self,
            Self::KeyExpired(_)
                | Self::KeyRevoked
                | Self::WrongKeyType { .. }
                | Self::RoleInsufficient { .. }
                | Self::PermissionDenied { .. }
                | Self::OperationNotAllowed { .. }
                | Self::ServerNotInScope
                | Self::CredentialNotInScope
                | Self::IpNotAllowed { .. }
                | Self::RateLimited(_)
                | Self::TooManyAttempts { .. }
        )
    }

    /// Whether an operation that its caller may start was not started, for what Reoclo or the
    /// server can do at the moment: whoever looks for it later finds no record of it, so such
    /// refusals are audited.
    pub(crate) const fn leaves_an_operation_unstarted(&self) -> bool {
        matches!(
            self,
            Self::ServerUnreachable
                | Self::RunnerOutdated(_)
                | Self::ServerBusy { .. }
                | Self::Busy
                | Self::ShuttingDown
                | Self::AuditUnavailable(_)
                | Self::Unavailable(_)
                | Self::NotImplemented(_)
        )
    }

    /// An error that the caller can do nothing about.
    pub fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }

    /// Whether the log has told of it already, once for all requests: the database is away.
    pub fn is_of_an_outage(&self) -> bool {
        match self {
            Self::Unavailable(error) | Self::AuditUnavailable(error) => error.is_of_an_outage(),
            _ => false,
        }
    }

    /// One field is wrong.
    pub fn field(name: &'static str, problem: impl Into<String>) -> Self {
        Self::InvalidRequest(InvalidFields::one(name, problem))
    }

    /// A write that must come before an effect failed, so the effect does not happen.
    pub(crate) fn of_write(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Conflict::FormTaken) => Self::FormTaken,
            StoreError::Conflict(what @ Conflict::Taken { column, .. }) => Self::Taken {
                field: column,
                detail: what.to_string(),
            },
            StoreError::Conflict(what) => Self::Conflict(what.to_string()),
            error => Self::AuditUnavailable(error),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::ServerUnreachable => Self::ServerUnreachable,
            Error::ServerBusy { limit, queued } => Self::ServerBusy { limit, queued },
            Error::ShuttingDown => Self::ShuttingDown,
            Error::NotStored(error) => Self::of_write(error),
            error @ Error::RunnerOutdated { .. } => Self::RunnerOutdated(error.to_string()),
            error @ (Error::NotGranted(_) | Error::Internal(_)) => Self::internal(error),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Uncertain(_) => Self::Unavailable(error),
            error => Self::internal(error),
        }
    }
}

/// At least a second; a long time in minutes as well, which is what people count it in.
fn time(seconds: u64) -> String {
    let seconds = seconds.max(1);
    let said = counted(seconds, "second");
    if seconds <= IN_SECONDS {
        return said;
    }
    let minutes = counted(seconds.div_ceil(60), "minute");
    format!("{said} ({minutes})")
}

const fn credential_name(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Key(KeyKind::Integration) => "an integration key",
        CredentialKind::Key(KeyKind::Automation) => "an automation key",
        CredentialKind::Session => "a person who is signed in",
    }
}

fn names(kinds: OperationKinds) -> String {
    let names: Vec<_> = kinds.iter().map(OperationKind::as_str).collect();
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

/// What is wrong with each field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvalidFields {
    fields: BTreeMap<String, String>,
    operation: Option<OperationId>,
}

impl InvalidFields {
    /// One field is wrong.
    pub fn one(name: impl Into<String>, problem: impl Into<String>) -> Self {
        let mut fields = Self::default();
        fields.add(name, problem);
        fields
    }

    /// Adds a problem; a field keeps its first.
    pub fn add(&mut self, name: impl Into<String>, problem: impl Into<String>) {
        self.fields
            .entry(name.into())
            .or_insert_with(|| problem.into());
    }

    /// Calls a field by the name that it has in the request.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        if let Some(problem) = self.fields.remove(from) {
            self.fields.insert(to.to_owned(), problem);
        }
        self
    }

    /// Names the operation that found out.
    #[must_use]
    pub fn of_operation(mut self, operation: OperationId) -> Self {
        self.operation = Some(operation);
        self
    }

    /// The operation that found out, if any.
    pub const fn operation(&self) -> Option<OperationId> {
        self.operation
    }

    /// Field → problem.
    pub const fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }

    /// Refuses when there is any problem.
    pub fn into_result(self) -> Result<(), Refusal> {
        if self.fields.is_empty() {
            Ok(())
        } else {
            Err(Refusal::InvalidRequest(self))
        }
    }
}

impl std::fmt::Display for InvalidFields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, (name, problem)) in self.fields.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{name} {problem}")?;
        }
        Ok(())
    }
}
