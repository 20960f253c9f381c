//! Changes that read, decide, write and audit in one transaction.
//!
//! A rule sees the row as it is while nobody else can change it. So what it refuses writes
//! nothing, and what it tells the audit log follows on what the log was told before.

use crate::audit::NewAuditEvent;

/// What a rule makes of a record as it is now.
#[derive(Clone, Debug)]
pub struct Edit<T> {
    /// The record as it is to be.
    pub record: T,
    /// What the audit log is told; nothing when the record stays as it is.
    pub events: Vec<NewAuditEvent>,
}

/// How a change ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited<T, E> {
    /// There is no such record; nothing was written.
    Unknown,
    /// The rule refused; nothing was written.
    Refused(E),
    /// The record as it is now, whether or not anything had to be written.
    Is(T),
}

/// Decides on the record as it is. Called again when the transaction has to be made again.
pub(crate) type Rule<T, E> = Box<dyn Fn(&T) -> Result<Edit<T>, E> + Send + Sync>;
