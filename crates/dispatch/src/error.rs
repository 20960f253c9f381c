//! Why nothing was begun, or a runner was not asked.

use reoclo_domain::OperationKind;
use reoclo_store::StoreError;
use reoclo_wire::ability::Ability;

/// How a runner becomes a newer one, after a semicolon.
pub const HOW_TO_UPDATE: &str = "one that the install command set up takes this control plane's program when it connects, \
     unless it was told not to (--no-self-upgrade), and for any other replace its reoclo by this \
     control plane's and start it again";

/// Why nothing was begun, or a runner was not asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No runner of the server is connected to this process.
    #[error("the server's runner is not connected")]
    ServerUnreachable,
    /// The server runs as many operations as it may, and as many wait as may wait.
    #[error("the server runs {limit} operations, and {queued} wait")]
    ServerBusy {
        /// How many run at a time.
        limit: usize,
        /// How many wait.
        queued: usize,
    },
    /// The process is stopping.
    #[error("the process is stopping")]
    ShuttingDown,
    /// What is intended could not be stored, so nothing was sent.
    #[error("what is intended could not be stored")]
    NotStored(#[source] StoreError),
    /// The grant is for other kinds of operations: whoever made the plan is at fault.
    #[error("the grant does not hold for {0}")]
    NotGranted(OperationKind),
    /// The runner does not know what it was asked.
    #[error(
        "this server's runner ({version}) cannot {}: it needs a newer runner, of version {} at least; \
         {HOW_TO_UPDATE}",
        lacking.what(),
        env!("CARGO_PKG_VERSION")
    )]
    RunnerOutdated {
        /// Its version.
        version: String,
        /// What it does not know.
        lacking: Ability,
    },
    /// Something that cannot be.
    #[error("something went wrong on the control plane")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An error that nobody can do anything about.
    pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }
}
