//! Graceful shutdown as a value that is passed around.

use async_recursion::async_recursion as boxed;
use tokio::sync::watch;

/// Says when the process begins to stop; clones share one signal.
#[derive(Clone, Debug)]
pub struct Drain(watch::Sender<bool>);

impl Default for Drain {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Drain {
    /// A signal that has not been given.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal; giving it again changes nothing.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether the signal has been given.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the signal.
    #[boxed]
    pub async fn begun(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`, so this cannot fail.
        let _ = receiver.wait_for(|begun| *begun).await;
    }
}
