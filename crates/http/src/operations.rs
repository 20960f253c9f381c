//! What the tenant's and the automation surface share: an operation's log, its events, its end.

pub(crate) mod events;
pub(crate) mod logs;
mod path;
mod recheck;
pub(crate) mod wait;

use reoclo_api_types::CancelAnswer;
use reoclo_control::CancelRequested;

pub(crate) use path::OperationPath;
pub(crate) use recheck::Recheck;
pub(crate) use wait::Wait;

/// What became of a cancel, in words.
pub(crate) fn cancelled(cancel: &CancelRequested) -> CancelAnswer {
    let has_ended = cancel.state.is_terminal();
    let message = match (has_ended, cancel.is_connected) {
        (true, _) => "the operation is cancelled",
        (false, true) => "the operation is being cancelled",
        (false, false) => {
            "the server's runner is not connected: the operation is cancelled when it is back"
        }
    };
    CancelAnswer {
        operation_id: cancel.operation.to_string(),
        status: cancel.state.as_str().into(),
        delivered: has_ended || cancel.is_connected,
        message: message.into(),
    }
}
