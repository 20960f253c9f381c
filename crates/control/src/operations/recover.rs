//! Picking up what an earlier process left running (DESIGN rule 13).

use reoclo_store::{RunningOperation, StoreError};
use tokio::sync::watch;

use super::dispatch::Dispatch;
use super::drive::Driver;
use super::payload::Payload;
use crate::Control;

impl Control {
    /// Sets a driver on every operation that has no outcome yet; answers how many there are.
    pub async fn resume_operations(&self) -> Result<usize, StoreError> {
        let running = self.store().running_operations().await?;
        let count = running.len();
        for operation in running {
            self.resume(&operation);
        }
        Ok(count)
    }

    fn resume(&self, running: &RunningOperation) {
        let payload = running
            .payload
            .as_ref()
            .and_then(|sealed| Payload::of_text(running.operation.kind, sealed.expose()));
        let dispatch = Dispatch::of(&running.operation, payload);
        let slot = self.runners().count_running(dispatch.server);
        let driver = Driver::resumed(self.clone(), dispatch, running.acknowledged);
        let control = self.clone();
        tokio::spawn(async move {
            control.drive(driver, watch::Sender::new(None)).await;
            drop(slot);
        });
    }
}
