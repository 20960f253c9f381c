//! The codes by which clients tell errors apart.

use std::fmt;
use std::str::FromStr;

/// Makes the enum from one line for each code: its name here, its text, and the status of HTTP.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal;)+) => {
        /// The stable name of a kind of error. It is in the answer and in the audit log, and
        /// clients rely on it: a text that is here stays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The status of an answer with it (RFC 9110).
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                }
            }
        }
    };
}

codes! {
    /// It is not HTTP that we understand.
    BadRequest = "bad_request", 400;
    /// No credential came with the request.
    MissingCredentials = "missing_credentials", 401;
    /// The key is none of ours.
    InvalidKey = "invalid_key", 401;
    /// The key's time is over.
    KeyExpired = "key_expired", 401;
    /// The key was taken back.
    KeyRevoked = "key_revoked", 401;
    /// The e-mail address or the password is wrong.
    InvalidCredentials = "invalid_credentials", 401;
    /// The session has ended.
    SessionExpired = "session_expired", 401;
    /// A cell of the ACL is missing.
    PermissionDenied = "permission_denied", 403;
    /// A higher role is needed.
    RoleInsufficient = "role_insufficient", 403;
    /// Another site could have made the request.
    CsrfFailed = "csrf_failed", 403;
    /// The form is of a page from before the session changed.
    FormOutdated = "form_outdated", 403;
    /// A password of one's own has to be chosen first.
    PasswordChangeRequired = "password_change_required", 403;
    /// The key may not start that kind of operation.
    OperationNotAllowed = "operation_not_allowed", 403;
    /// The key is not for that server.
    ServerNotInScope = "server_not_in_scope", 403;
    /// The key is not for that registry credential.
    CredentialNotInScope = "credential_not_in_scope", 403;
    /// The key is not used from there.
    IpNotAllowed = "ip_not_allowed", 403;
    /// Another kind of credential is needed.
    WrongKeyType = "wrong_key_type", 403;
    /// There is no such thing, or it is another organization's.
    NotFound = "not_found", 404;
    /// The path does not take the method.
    MethodNotAllowed = "method_not_allowed", 405;
    /// It cannot be in the present state.
    Conflict = "conflict", 409;
    /// The server's runner is not connected.
    ServerUnreachable = "server_unreachable", 409;
    /// The server's runner is too old for what was asked.
    RunnerOutdated = "runner_outdated", 409;
    /// The body is larger than what is taken.
    PayloadTooLarge = "payload_too_large", 413;
    /// The body is of a type that is not read.
    UnsupportedMediaType = "unsupported_media_type", 415;
    /// The `Host` is none of ours.
    UnknownHost = "unknown_host", 421;
    /// A field is wrong.
    InvalidRequest = "invalid_request", 422;
    /// The operation ended otherwise than well, and its client asked for an error then.
    CommandFailed = "command_failed", 424;
    /// The server has no room for one operation more.
    ServerBusy = "server_busy", 429;
    /// The key has made its requests of the last minute.
    RateLimited = "rate_limited", 429;
    /// There were too many wrong passwords or keys.
    TooManyAttempts = "too_many_attempts", 429;
    /// Too many requests of that address show no credential.
    TooManyConnections = "too_many_connections", 429;
    /// An error that the caller can do nothing about.
    Internal = "internal", 500;
    /// This version does not do that yet.
    NotImplemented = "not_implemented", 501;
    /// What is not written to the audit log does not happen.
    AuditUnavailable = "audit_unavailable", 503;
    /// The database does not answer.
    Unavailable = "unavailable", 503;
    /// More is asked for than this machine can do at the moment.
    Busy = "busy", 503;
    /// The process ends.
    ShuttingDown = "shutting_down", 503;
}

/// It is not the text of a code of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not the code of an error of this version")]
pub struct UnknownErrorCode;

impl FromStr for ErrorCode {
    type Err = UnknownErrorCode;

    fn from_str(text: &str) -> Result<Self, UnknownErrorCode> {
        let found = Self::ALL.iter().find(|code| code.as_str() == text);
        found.copied().ok_or(UnknownErrorCode)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_has_a_text_of_its_own_and_the_status_of_an_error() {
        let mut texts = BTreeSet::new();
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(texts.insert(text), "{text} is there twice");
            assert!(
                text.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            );
            assert_eq!(text.parse(), Ok(*code));
            assert!((400..600).contains(&code.status()), "{text}");
            // Whatever has a name is no accident.
            assert_eq!(code.status() == 500, *code == ErrorCode::Internal, "{text}");
        }
        assert_eq!("nonsense".parse::<ErrorCode>(), Err(UnknownErrorCode));
    }
}
