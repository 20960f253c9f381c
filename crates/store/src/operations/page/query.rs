//! Which operations to read.

use reoclo_domain::{OperationId, OperationKind, OperationState, ServerId, Timestamp};
use uuid::Uuid;

/// What operations have in common; `None` is anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Where it ran.
    pub server: Option<ServerId>,
    /// What was done.
    pub kind: Option<OperationKind>,
    /// Where it stands.
    pub state: Option<OperationState>,
    /// How it ended, as people see it.
    pub ended: Option<Ended>,
    /// The CI run that it belongs to.
    pub run_id: Option<String>,
    /// The key or person that started it.
    pub starter: Option<Uuid>,
    /// The earliest begin.
    pub from: Option<Timestamp>,
    /// The latest begin.
    pub to: Option<Timestamp>,
}

/// How an operation ended, whatever its state is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Ran to its end, with exit code 0.
    Well,
    /// Any other way: another exit code, not run, cancelled, lost, or over its time limit.
    Badly,
}

/// A place in the list: right behind this operation, whether it is still there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationCursor {
    /// When it was begun.
    pub created_at: Timestamp,
    /// Its id.
    pub id: OperationId,
}

/// Which operations to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationQuery {
    /// What they have in common.
    pub filter: OperationFilter,
    /// Only those before this place.
    pub before: Option<OperationCursor>,
    /// The most to read.
    pub limit: i64,
}
