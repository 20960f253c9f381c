//! What goes on beside the requests.

use async_recursion::async_recursion as boxed;
use reoclo_store::StoreError;

use crate::Control;

impl Control {
    /// Sets a driver on every operation that an earlier process left running; says how many there
    /// are.
    ///
    /// # Errors
    /// When the database cannot be read.
    #[boxed]
    pub async fn resume_operations(&self) -> Result<usize, StoreError> {
        self.dispatcher().resume_operations().await
    }

    /// Stores the checks of minutes that are over; called every second, and with `all` at the end.
    #[boxed]
    pub async fn write_checks(&self, all: bool) {
        self.dispatcher().write_checks(all).await;
    }

    /// Notes a failed check for every server whose runner should be connected and is not.
    #[boxed]
    pub async fn check_absent(&self) {
        self.dispatcher().check_absent().await;
    }

    /// Folds measurements that are over and removes what is too old; called once a minute.
    #[boxed]
    pub async fn condense_metrics(&self) {
        self.dispatcher().condense_metrics().await;
    }

    /// Writes the uses of keys that are due; called every second, and with `all` at the end.
    #[boxed]
    pub async fn write_key_uses(&self, all: bool) {
        self.key_uses().write(self.core(), all).await;
    }

    /// Writes which sessions were used; called every second and at the end.
    #[boxed]
    pub async fn write_session_uses(&self) {
        self.sessions().touches.write(self.core()).await;
    }

    /// Waits until [`Self::write_refused_uses`] has something to write at once.
    #[boxed]
    pub async fn refused_use_is_urgent(&self) {
        self.refusals().uses.is_urgent().await;
    }

    /// Writes about the refusals that are due; called every second and when one is urgent, and
    /// with `all` at the end.
    #[boxed]
    pub async fn write_refused_uses(&self, all: bool) {
        let control = self.clone();
        // A task of its own, so that a caller who is aborted loses no count.
        let writing = tokio::spawn(async move {
            control.refusals().write(all).await;
            control.failed_sign_ins().write(control.core(), all).await;
        });
        if let Err(error) = writing.await {
            tracing::error!(%error, "refused uses of keys could not be recorded");
        }
    }
}
