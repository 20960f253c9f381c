//! Asking servers how they are: every few seconds, kept in memory for a minute, then stored.

mod ask;
mod condense;
mod history;
mod recent;

use async_recursion::async_recursion as boxed;
use reoclo_domain::ServerId;

use crate::Dispatcher;
pub use history::Stretch;
pub(crate) use recent::Checks;
use recent::MINUTE;
pub use recent::{Checked, UNHEALTHY_AFTER};

impl Dispatcher {
    /// Stores the checks of minutes that are over; called every second, and with `all` at the end.
    #[boxed]
    pub async fn write_checks(&self, all: bool) {
        let now = self.now();
        let before = if all {
            now.plus(MINUTE)
        } else {
            now.begin_of(MINUTE)
        };
        let rows = self.checks().take(before);
        if let Err(error) = self.store().record_metrics(rows).await {
            self.complain("what servers measured could not be stored", &error);
        }
    }

    /// What is known of a server's checks.
    pub fn checked(&self, server: ServerId) -> Checked {
        self.checks().of(server)
    }
}
