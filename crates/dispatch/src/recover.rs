//! Picking up what an earlier process left running (rule 13).

use std::sync::Arc;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, ServerId};
use reoclo_store::{LogStream, RunningOperation, StoreError};

use crate::Dispatcher;
use crate::dispatch::Dispatch;
use crate::drive::Driver;
use crate::kinds::Payload;
use crate::live::Live;
use crate::runners::Admission;

impl Dispatcher {
    /// Sets a driver on every operation that has no outcome yet; answers how many there are.
    ///
    /// Those that were sent take their places first; those that wait keep their order.
    ///
    /// # Errors
    /// When the database cannot be read.
    #[boxed]
    pub async fn resume_operations(&self) -> Result<usize, StoreError> {
        let running = self.store().running_operations().await?;
        self.resume_all(running).await
    }

    /// The same for the operations of a server whose runner has connected and which nobody in
    /// this process sees through: another control plane began them.
    pub(crate) async fn resume_operations_on(
        &self,
        organization: OrganizationId,
        server: ServerId,
    ) -> Result<(), StoreError> {
        let orphaned = |running: &RunningOperation| !self.live().has(running.operation.id);
        let read = async || {
            self.store()
                .running_operations_on(organization, server)
                .await
        };
        // What ended between is gone from memory only after it has its outcome, so what is
        // running still when it is read for the second time is in nobody's hands.
        if read().await?.iter().any(orphaned) {
            let mut running = read().await?;
            running.retain(orphaned);
            let resumed = self.resume_all(running).await?;
            tracing::info!(%server, resumed, "operations of another process go on");
        }
        Ok(())
    }

    async fn resume_all(&self, running: Vec<RunningOperation>) -> Result<usize, StoreError> {
        let count = running.len();
        let is_queued = |operation: &RunningOperation| {
            operation.operation.queued_at.is_some() && operation.dequeued_at.is_none()
        };
        let (queued, sent): (Vec<_>, Vec<_>) = running.into_iter().partition(is_queued);
        for operation in sent {
            self.resume(&operation).await?;
        }
        for operation in queued {
            self.queue_again(&operation);
        }
        Ok(count)
    }

    async fn resume(&self, running: &RunningOperation) -> Result<(), StoreError> {
        let dispatch = dispatch_of(running);
        let live = self.live_of(running);
        let end = async |stream| {
            let store = self.store();
            let end = store.operation_log_end(dispatch.organization, dispatch.id, stream);
            end.await.map(|end| u64::try_from(end).unwrap_or(0))
        };
        live.is_stored_up_to(end(LogStream::Stdout).await?, end(LogStream::Stderr).await?);
        let slot = self.seats().count_running(dispatch.server);
        let driver = Driver::resumed(self.clone(), dispatch, live, running.acknowledged);
        let dispatcher = self.clone();
        tokio::spawn(async move {
            dispatcher.drive(driver).await;
            drop(slot);
        });
        Ok(())
    }

    /// Nothing was sent of it yet, so it waits on.
    fn queue_again(&self, running: &RunningOperation) {
        let dispatch = dispatch_of(running);
        let live = self.live_of(running);
        live.set_queued(true);
        let waiting = self.seats().queue_up(dispatch.server);
        let dispatcher = self.clone();
        tokio::spawn(async move {
            dispatcher
                .run(dispatch, Admission::Queued(waiting), live)
                .await;
        });
    }

    fn live_of(&self, running: &RunningOperation) -> Arc<Live> {
        let live = Arc::new(Live::new(running.operation.organization));
        if running.is_cancelled {
            live.cancel();
        }
        self.live().add(running.operation.id, Arc::clone(&live));
        live
    }
}

fn dispatch_of(running: &RunningOperation) -> Dispatch {
    let sealed = running.payload.as_ref();
    let payload = sealed.and_then(|text| Payload::of_text(running.operation.kind, text.expose()));
    let dispatch = Dispatch::of(&running.operation, payload);
    match running.dequeued_at {
        Some(sendable_at) => Dispatch {
            sendable_at,
            ..dispatch
        },
        None => dispatch,
    }
}
