//! Removing a person, and what they leave behind.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{KeyStatus, UserId};
use reoclo_store::{AuditOutcome, AutomationKeyRecord, MemberRecord};
use serde_json::json;

use super::Users;
use super::check_reach;
use crate::audit::{AuditedAction, resource};
use crate::edit::settled;
use crate::{Authorized, Refusal, UsersWrite};

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

impl Users<'_> {
    /// Removes a person from the caller's organization, effective at their next request and at
    /// the next of each of their integration keys.
    #[boxed]
    pub async fn remove(
        &self,
        proof: &Authorized<UsersWrite>,
        id: UserId,
    ) -> Result<RemovedUser, Refusal> {
        let (core, caller) = (self.core.clone(), proof.caller().clone());
        let (organization, now) = (caller.organization(), self.core.now());
        let rule = move |before: &MemberRecord| -> Result<_, Refusal> {
            check_reach(&caller, before.role)?;
            let audited = AuditedAction {
                action: "user.remove",
                resource: resource("user", id, before.email.as_deref()),
                outcome: AuditOutcome::Success,
                detail: json!({ "from": before.role.as_str(), "to": null }),
            };
            Ok(vec![core.event_by(&caller, audited)])
        };
        let removed = self
            .core
            .store()
            .remove_member(organization, id, rule)
            .await;
        settled(removed, "the user")?;
        let automation = self.core.store().automation_keys(organization).await?;
        let integration = self.core.store().integration_keys(organization).await?;
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
