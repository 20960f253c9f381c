//! How an operation ended, as far as this process can tell.

use reoclo_wire::proto::Finished;

/// How an operation ended, as far as this process can tell.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// The runner reported the end.
    Finished(Finished),
    /// It never started, and never will.
    NotStarted(String),
    /// The server had no room for it.
    Busy,
    /// It waited too long for room on the server, and was never sent.
    QueueTimeout,
    /// Somebody cancelled it before it was sent.
    Cancelled,
    /// The host has booted anew since it was asked to.
    Rebooted,
    /// It has not, in all the time that it was given.
    NotRebooted,
    /// It may have run; nobody can tell how it ended.
    Lost(String),
}
