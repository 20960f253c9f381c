//! One at a time verifies an organization's audit log.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reoclo_domain::OrganizationId;

use crate::Refusal;

/// The organizations whose logs are being verified, by this process.
#[derive(Debug, Default)]
pub(crate) struct Verifications(Mutex<HashSet<OrganizationId>>);

/// The right to be the one who verifies; given back when it is dropped.
pub(super) struct Turn<'v> {
    verifications: &'v Verifications,
    organization: OrganizationId,
}

impl Verifications {
    pub(super) fn take(&self, organization: OrganizationId) -> Result<Turn<'_>, Refusal> {
        if !self.running().insert(organization) {
            return Err(Refusal::Conflict(
                "somebody of this organization is verifying its audit log right now: wait a \
                 moment and try again, or look for their result in the log (audit_log.verify)"
                    .into(),
            ));
        }
        Ok(Turn {
            verifications: self,
            organization,
        })
    }

    fn running(&self) -> MutexGuard<'_, HashSet<OrganizationId>> {
        // One statement changes it, so a panic elsewhere spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.verifications.running().remove(&self.organization);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_verifies_an_organizations_log() {
        let verifications = Verifications::default();
        let [one, other] = [
            "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa",
            "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2ab",
        ]
        .map(|id| id.parse().unwrap());
        let turn = verifications.take(one).unwrap();
        assert!(matches!(verifications.take(one), Err(Refusal::Conflict(_))));
        assert!(verifications.take(other).is_ok());
        drop(turn);
        assert!(verifications.take(one).is_ok());
    }
}
