use std::error::Error;

use tonic::{Code, Status};

/// Whether a call ended because the link did, and not because the supervisor answered so.
///
/// What the supervisor did with a call that was lost is unknown: the operation has to be followed
/// again on the next link. A lost link shows as `Unknown` (tonic knows no better), as an error
/// with a transport error behind it, or as a message cut in its middle (`Internal`). The
/// supervisor itself never answers with `Unknown`, `Unavailable` or `Internal`.
pub fn is_link_lost(status: &Status) -> bool {
    status.source().is_some()
        || matches!(
            status.code(),
            Code::Unknown | Code::Unavailable | Code::Internal
        )
}
