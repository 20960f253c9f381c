//! Folding and removing old measurements, in the background.

use std::sync::PoisonError;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Resolution, Timestamp};
use reoclo_store::StoreError;

use crate::Dispatcher;

/// The last minute of a span may be stored this long after its end.
const LATE: Duration = Duration::from_secs(90);

impl Dispatcher {
    /// Folds what is over and removes what is too old; called once a minute.
    #[boxed]
    pub async fn condense_metrics(&self) {
        if let Err(error) = self.condense().await
            && !error.is_of_an_outage()
        {
            tracing::warn!(%error, "old measurements could not be folded");
        }
    }

    async fn condense(&self) -> Result<(), StoreError> {
        let now = self.now();
        while let Some(begin) = self
            .store()
            .fold_metrics(self.folded(), now.minus(LATE))
            .await?
        {
            *self
                .checks()
                .folded
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(begin);
        }
        for resolution in Resolution::ALL {
            let before = now.minus(resolution.kept());
            self.store().prune_metrics(resolution, before).await?;
        }
        Ok(())
    }

    fn folded(&self) -> Option<Timestamp> {
        let folded = self.checks().folded.lock();
        *folded.unwrap_or_else(PoisonError::into_inner)
    }
}
