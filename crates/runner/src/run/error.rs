use reoclo_domain::counted;
use std::error::Error;
use std::fmt::Write;
use std::io;
use std::time::Duration;

use crate::{
    AddressError, DataDirError, EnrolError, IdentityError, LockError, ProxyError, TrustError,
};

/// Why a runner ends.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum RunnerError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    #[error("cannot read or write runner.json in the data directory")]
    Enrolled(#[source] io::Error),
    #[error("this server is not enrolled yet: the first start needs a URL and a token")]
    NotEnrolled,
    #[error("the control plane does not accept this server's identity: {0}")]
    Rejected(String),
    #[error("this server was removed from the control plane, and its runner ends")]
    Decommissioned,
    #[error("the previous program could not be started")]
    NotStarted(#[source] io::Error),
    #[error("this program could not connect to the control plane: {0}")]
    NotConnected(String),
    #[error("this machine could not be enrolled within {}: {reason}{hint}", counted(.limit.as_secs_f64(), "second"))]
    EnrolledTooLate {
        limit: Duration,
        reason: String,
        hint: &'static str,
    },
}

impl RunnerError {
    /// Whether another start may succeed without anybody's help: the disk may have room again.
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::DataDir(_)
                | Self::Enrolled(_)
                | Self::NotConnected(_)
                | Self::NotStarted(_)
                | Self::EnrolledTooLate { .. }
                | Self::Lock(LockError::File { .. })
                | Self::Identity(IdentityError::File(_))
        )
    }
}

/// An error and what is behind it, in one line.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a string does not fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}
