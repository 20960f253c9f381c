//! The rate limit of automation keys (rule 12).

use reoclo_store::AutomationKeyRecord;

use crate::Refusal;
use crate::authenticate::Gate;
use crate::presented::KeyNotes;

impl Gate<'_> {
    /// Counts one request, and refuses it beyond what the key may ask in a minute. What was seen
    /// is noted for the answer's headers.
    pub(crate) async fn check_rate(
        self,
        key: &AutomationKeyRecord,
        notes: &KeyNotes,
    ) -> Result<(), Refusal> {
        let verdict = self
            .core
            .store()
            .admit_request(key.id, key.rate_limit_per_minute)
            .await?;
        // A request is counted once, so nothing is there yet; asking anew counts nothing.
        let _ = notes.rate.set(verdict);
        if verdict.allowed {
            Ok(())
        } else {
            Err(Refusal::RateLimited(verdict))
        }
    }
}
