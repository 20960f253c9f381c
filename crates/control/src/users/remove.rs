//! Removing a person, and what they leave behind.

use reoclo_domain::{KeyStatus, UserId};
use reoclo_store::AutomationKeyRecord;

use crate::{Authorized, Control, Refusal, UsersWrite};

/// What a person who was removed leaves behind.
#[derive(Clone, Debug)]
pub struct RemovedUser {
    /// Who it was.
    pub id: UserId,
    /// Active automation keys that they made: these work on.
    pub automation_keys: Vec<AutomationKeyRecord>,
    /// Active integration keys that they made: these have no power any more.
    pub integration_keys: usize,
}

impl Control {
    /// Removes a person from the caller's organization, effective at their next request and at
    /// the next of each of their integration keys.
    pub async fn remove_user(
        &self,
        proof: &Authorized<UsersWrite>,
        id: UserId,
    ) -> Result<RemovedUser, Refusal> {
        let member = self.member_to_change(proof, id).await?;
        self.change_role(proof, &member, None, "user.remove")
            .await?;
        let (organization, now) = (proof.caller().organization(), self.now());
        let automation = self.store().automation_keys(organization).await?;
        let integration = self.store().integration_keys(organization).await?;
        Ok(RemovedUser {
            id,
            automation_keys: automation
                .into_iter()
                .filter(|key| key.creator == id && key.life.status(now) == KeyStatus::Active)
                .collect(),
            integration_keys: integration
                .into_iter()
                .filter(|key| key.creator == id && key.life.status(now) == KeyStatus::Active)
                .count(),
        })
    }
}
