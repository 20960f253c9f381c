//! Changing a person's role, and who may create organizations.

use async_recursion::async_recursion as boxed;
use reoclo_api_types::ChangeUserRequest;
use reoclo_domain::UserId;
use reoclo_store::{AuditOutcome, Edit, MemberRecord, NewAuditEvent};
use serde_json::json;

use super::Users;
use super::{check_reach, role};
use crate::audit::{AuditedAction, resource};
use crate::core::Core;
use crate::edit::settled;
use crate::{Authorized, Caller, CredentialKind, Refusal, UsersWrite};

impl Users<'_> {
    /// Changes a person of the caller's organization, effective at their next request. All of it
    /// is done, or none of it.
    #[boxed]
    pub async fn change(
        &self,
        proof: &Authorized<UsersWrite>,
        id: UserId,
        change: ChangeUserRequest,
    ) -> Result<MemberRecord, Refusal> {
        let wanted = change.role.as_deref().map(role).transpose()?;
        if let Some(role) = wanted {
            check_reach(proof.caller(), role)?;
        }
        let may = change.may_create_organizations;
        if may.is_some() {
            check_may_name(proof)?;
        }
        let (core, caller) = (self.core.clone(), proof.caller().clone());
        let organization = caller.organization();
        let rule = move |before: &MemberRecord| -> Result<_, Refusal> {
            check_reach(&caller, before.role)?;
            let after = MemberRecord {
                role: wanted.unwrap_or(before.role),
                may_create_organizations: may.unwrap_or(before.may_create_organizations),
                ..before.clone()
            };
            let events = user_changes(&core, &caller, before, &after);
            let record = Some(after);
            Ok(Edit { record, events })
        };
        let edited = self
            .core
            .store()
            .change_member(organization, id, rule)
            .await;
        settled(edited, "the user")
    }
}

fn user_changes(
    core: &Core,
    caller: &Caller,
    before: &MemberRecord,
    after: &MemberRecord,
) -> Vec<NewAuditEvent> {
    let (from, to) = (
        before.may_create_organizations,
        after.may_create_organizations,
    );
    let mut changes = Vec::new();
    if from != to {
        let detail = json!({ "from": from, "to": to });
        changes.push(("user.may_create_organizations", detail));
    }
    if before.role != after.role {
        let detail = json!({ "from": before.role.as_str(), "to": after.role.as_str() });
        changes.push(("user.role", detail));
    }
    let events = changes.into_iter().map(|(action, detail)| {
        let audited = AuditedAction {
            action,
            resource: resource("user", before.id, before.email.as_deref()),
            outcome: AuditOutcome::Success,
            detail,
        };
        core.event_by(caller, audited)
    });
    events.collect()
}

/// Whoever may create organizations names others who may.
fn check_may_name(proof: &Authorized<UsersWrite>) -> Result<(), Refusal> {
    match proof.caller().person() {
        Some(person) if person.may_create_organizations => Ok(()),
        Some(_) => Err(Refusal::MayNotCreateOrganizations),
        None => Err(Refusal::WrongKeyType {
            needed: CredentialKind::Session,
        }),
    }
}
