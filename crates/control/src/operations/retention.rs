//! What is kept for how long (rule 19); called every ten minutes.

use async_recursion::async_recursion as boxed;
use reoclo_store::StoreError;

use super::Operations;

impl Operations<'_> {
    /// Lets full logs go that are too old, and the oldest of those that are too many (rule 19);
    /// says of how many operations.
    #[boxed]
    pub async fn prune_logs(&self) -> Result<usize, StoreError> {
        let settings = self.settings;
        let mut pruned = 0;
        loop {
            let oldest = self.core.now().minus(settings.log_age);
            let store = self.core.store();
            if !store
                .prune_operation_logs(oldest, settings.log_bytes)
                .await?
            {
                return Ok(pruned);
            }
            pruned += 1;
        }
    }

    /// Lets the records of operations go that are too old (rule 19); says how many.
    #[boxed]
    pub async fn prune(&self) -> Result<u64, StoreError> {
        let before = self.core.now().minus(self.settings.operation_age);
        let mut pruned = 0;
        for organization in self.core.store().organizations().await? {
            loop {
                let some = self.core.store().prune_operations(organization.id, before);
                match some.await? {
                    0 => break,
                    some => pruned += some,
                }
            }
        }
        Ok(pruned)
    }
}
