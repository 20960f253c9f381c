//! Operations: intent, acknowledgement, outcome.

mod acknowledge;
mod begin;
mod cancel;
mod dequeue;
mod find;
mod finish;
mod log;
mod mask;
mod page;
mod prune;
mod running;

pub use log::{LogChunk, LogEnd, LogStream};
pub use mask::MaskedOperations;
pub use page::{Ended, OperationCursor, OperationFilter, OperationPage, OperationQuery};

use reoclo_domain::{
    ClientSource, OperationId, OperationKind, OperationState, OrganizationId, Secret, ServerId,
    Timestamp,
};

use crate::audit::Actor;
use crate::sealing::SealedColumn;

/// An operation to begin, as it stays on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// Its id.
    pub id: OperationId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The server it runs on.
    pub server: ServerId,
    /// The server's name when it was begun; once that is long ago, as it is now.
    pub server_name: String,
    /// What is done.
    pub kind: OperationKind,
    /// Who started it.
    pub starter: Actor,
    /// What the client said that it asks for.
    pub via: Option<ClientSource>,
    /// The command as people may see it: masked.
    pub command: Option<String>,
    /// After so many seconds it is stopped.
    pub timeout_seconds: u32,
    /// The CI run it belongs to.
    pub run_id: Option<String>,
    /// What the client told about itself: a JSON object of at most 4 KiB.
    pub run_context: Option<String>,
    /// The server's boot when it was dispatched.
    pub boot_id: String,
    /// The runner's supervisor when it was dispatched.
    pub instance_id: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Since when it waits for room on its server, if there was none.
    pub queued_at: Option<Timestamp>,
}

/// The end of one output stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// The last bytes, at most 64 KiB.
    pub bytes: Vec<u8>,
    /// How many bytes there were in all.
    pub total: i64,
    /// Whether anything before `bytes` was dropped.
    pub truncated: bool,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationOutcome {
    /// A terminal state.
    pub state: OperationState,
    /// Why, when it is not `completed`: a stable word.
    pub code: Option<String>,
    /// Why, as a sentence.
    pub message: Option<String>,
    /// The exit code; also those that are not the command's own (rule 14).
    pub exit_code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// How long it ran, in microseconds.
    pub duration_us: i64,
    /// Processes that it left running when it ended by itself.
    pub left_running: i64,
    /// Others who hold the login that a registry logout therefore left where it is.
    pub still_held: i64,
    /// The end of its standard output.
    pub stdout: Tail,
    /// The end of its standard error.
    pub stderr: Tail,
    /// When it ended.
    pub completed_at: Timestamp,
}

/// An operation as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRecord {
    /// Its id.
    pub id: OperationId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// The server it runs on.
    pub server: ServerId,
    /// The server's name for people, as it is now.
    pub server_name: String,
    /// What is done.
    pub kind: OperationKind,
    /// Who started it.
    pub starter: Actor,
    /// What the client said that it asks for.
    pub via: Option<ClientSource>,
    /// The command, masked.
    pub command: Option<String>,
    /// After so many seconds it is stopped.
    pub timeout_seconds: u32,
    /// The CI run it belongs to.
    pub run_id: Option<String>,
    /// What the client told about itself: a JSON object.
    pub run_context: Option<String>,
    /// The server's boot when it was dispatched.
    pub boot_id: String,
    /// The runner's supervisor when it was dispatched.
    pub instance_id: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: OperationState,
    /// How it ended, once it has.
    pub outcome: Option<OperationOutcome>,
    /// Whether it waits for room on its server.
    pub is_queued: bool,
    /// Since when somebody wants it to end.
    pub cancel_requested_at: Option<Timestamp>,
}

/// An operation that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningOperation {
    /// What was begun.
    pub operation: NewOperation,
    /// What is to be sent to the runner, until the runner has acknowledged it.
    pub payload: Option<Secret>,
    /// Whether the runner has acknowledged it.
    pub acknowledged: bool,
    /// When there was room for it, if it had to wait.
    pub dequeued_at: Option<Timestamp>,
    /// Whether somebody wants it to end.
    pub is_cancelled: bool,
}

/// What a runner needs for an operation, sealed until it has ended.
const PAYLOAD: SealedColumn = SealedColumn {
    column: "sealed_payload",
    purpose: "operation_payload",
};
