//! A write as the writer sees it.

use std::future::Future;
use std::pin::Pin;

use tokio::sync::oneshot;

use super::work::Work;
use crate::error::StoreError;

/// A change of the database.
///
/// It can be applied more than once, since a group that fails is undone and retried; so it keeps
/// everything that it needs. It must return the database's errors as they are: PostgreSQL ends a
/// transaction at the first error, whatever is made of it.
pub(crate) trait Write: Send + Sync + 'static {
    /// What the caller gets after the commit.
    type Output: Send + 'static;

    /// Makes the change within the group's transaction.
    fn apply(
        &self,
        work: &mut Work<'_>,
    ) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

type Applying<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// A queued write, whatever its output.
pub(super) trait Job: Send {
    /// Makes the change and keeps its output for the answer.
    fn apply<'a>(&'a mut self, work: &'a mut Work<'_>) -> Applying<'a>;

    /// Tells the caller how it ended.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// A write on its way, with the way back to its caller.
pub(super) struct Queued<W: Write> {
    write: W,
    output: Option<W::Output>,
    answer: oneshot::Sender<Result<W::Output, StoreError>>,
}

impl<W: Write> Queued<W> {
    pub(super) fn new(write: W, answer: oneshot::Sender<Result<W::Output, StoreError>>) -> Self {
        Self {
            write,
            output: None,
            answer,
        }
    }
}

impl<W: Write> Job for Queued<W> {
    fn apply<'a>(&'a mut self, work: &'a mut Work<'_>) -> Applying<'a> {
        Box::pin(async move {
            self.output = Some(self.write.apply(work).await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { output, answer, .. } = *self;
        let applied = || output.ok_or_else(|| StoreError::corrupt("a write that was not applied"));
        // The caller may be gone; what was committed stays.
        let _ = answer.send(committed.and_then(|()| applied()));
    }
}
