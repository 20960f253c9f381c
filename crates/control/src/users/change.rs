//! Changing a person's role, and who may create organizations.

use reoclo_domain::{Role, UserId};
use reoclo_store::{AuditOutcome, Conflict, MemberRecord, StoreError};
use serde_json::json;

use super::{check_reach, role};
use crate::audit::{Happening, resource};
use crate::{Authorized, Control, CredentialKind, Refusal, UsersWrite};

/// What is to change; none leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The new role.
    pub role: Option<String>,
    /// Whether they may create organizations.
    pub may_create_organizations: Option<bool>,
}

impl Control {
    /// Changes a person of the caller's organization, effective at their next request.
    pub async fn change_user(
        &self,
        proof: &Authorized<UsersWrite>,
        id: UserId,
        change: UserChange,
    ) -> Result<MemberRecord, Refusal> {
        let member = self.member_to_change(proof, id).await?;
        let wanted = change.role.as_deref().map(role).transpose()?;
        if let Some(role) = wanted {
            check_reach(proof.caller(), role)?;
        }
        if let Some(may) = change.may_create_organizations {
            check_may_name(proof)?;
            self.name_creator(proof, &member, may).await?;
        }
        if let Some(role) = wanted.filter(|role| *role != member.role) {
            self.change_role(proof, &member, Some(role), "user.role")
                .await?;
        }
        let organization = proof.caller().organization();
        let found = self.store().member(organization, id).await?;
        found.ok_or(Refusal::NotFound("the user"))
    }

    /// Changes or, with none, takes away a role.
    pub(super) async fn change_role(
        &self,
        proof: &Authorized<UsersWrite>,
        member: &MemberRecord,
        role: Option<Role>,
        action: &'static str,
    ) -> Result<(), Refusal> {
        let happening = Happening {
            action,
            resource: resource("user", member.id, member.email.as_deref()),
            outcome: AuditOutcome::Success,
            detail: json!({ "from": member.role.as_str(), "to": role.map(Role::as_str) }),
        };
        let (caller, event) = (proof.caller(), self.event_by(proof.caller(), happening));
        let changed = self
            .store()
            .set_role(caller.organization(), member.id, role, vec![event])
            .await;
        match changed {
            Ok(()) => Ok(()),
            Err(StoreError::Conflict(Conflict::Missing)) => Err(Refusal::NotFound("the user")),
            Err(error) => Err(Refusal::of_write(error)),
        }
    }

    async fn name_creator(
        &self,
        proof: &Authorized<UsersWrite>,
        member: &MemberRecord,
        may: bool,
    ) -> Result<(), Refusal> {
        let happening = Happening {
            action: "user.may_create_organizations",
            resource: resource("user", member.id, member.email.as_deref()),
            outcome: AuditOutcome::Success,
            detail: json!({ "to": may }),
        };
        let event = self.event_by(proof.caller(), happening);
        let named = self
            .store()
            .let_create_organizations(member.id, may, vec![event])
            .await;
        named.map_err(Refusal::of_write)
    }
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
