//! Asking a person to join, and what becomes of it until they do.

use std::time::Duration;

use reoclo_domain::{
    DisplayName, InvitationId, OrganizationId, PlainToken, Role, Secret, Timestamp, TokenKind,
};
use reoclo_store::{AuditOutcome, Conflict, InvitationRecord, NewAuditEvent, StoreError};
use serde_json::json;
use uuid::Uuid;

use super::{check_reach, role};
use crate::account::check_email;
use crate::audit::{Happening, resource};
use crate::{
    Authorized, Caller, Control, InvalidFields, OnceForm, OrganizationManage, Principal, Refusal,
    UsersRead, UsersWrite,
};

/// An invitation is good for this long.
const GOOD_FOR: Duration = Duration::from_hours(7 * 24);

/// Who is to be invited.
#[derive(Clone, Debug)]
pub struct NewUserForm {
    /// The address that they sign in with.
    pub email: String,
    /// 1 to 100 characters.
    pub name: String,
    /// `admin`, `manager`, `developer` or `viewer`.
    pub role: String,
    /// The mark of the page's form, which invites once.
    pub once: Option<String>,
}

/// An invitation, with its link where it is shown.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub invitation: InvitationRecord,
    /// Shown once, to a person; no key ever receives it.
    pub link: Option<Secret>,
}

struct Checked {
    email: String,
    name: DisplayName,
    role: Role,
}

impl Control {
    /// Invites a person to the caller's organization. They are a member when they have accepted,
    /// and nothing of theirs changes before: neither is told whether they have an account.
    pub async fn invite_user(
        &self,
        proof: &Authorized<UsersWrite>,
        form: NewUserForm,
    ) -> Result<Invited, Refusal> {
        let wanted = checked(&form)?;
        let caller = proof.caller();
        check_reach(caller, wanted.role)?;
        let token = caller.person().map(|_| self.invitation_token());
        let invitation = InvitationRecord {
            id: InvitationId::new(self.clock(), self.entropy()),
            organization: caller.organization(),
            email: wanted.email,
            name: wanted.name.to_string(),
            role: wanted.role,
            key: key_of(caller),
            created_at: self.now(),
            expires_at: self.now().plus(GOOD_FOR),
        };
        let event = self.invitation_event(caller, "user.invite", &invitation);
        let hash = token.as_ref().map(PlainToken::hash);
        let mark = form.once.as_deref();
        let store = self.store_for(proof, OnceForm::Invite, mark, invitation.id.as_uuid());
        let invited = store.invite(invitation.clone(), hash, vec![event]);
        let email = &invitation.email;
        match invited.await {
            Ok(()) => Ok(self.invited(invitation, token)),
            Err(StoreError::Conflict(Conflict::Exists)) => Err(Refusal::Taken {
                field: "email",
                detail: format!("{email} is in this organization already"),
            }),
            Err(StoreError::Conflict(Conflict::Email)) => Err(Refusal::Taken {
                field: "email",
                detail: format!(
                    "{email} is invited already: show a new link on the Users page, or withdraw \
                     the invitation"
                ),
            }),
            Err(error) => Err(Refusal::of_write(error)),
        }
    }

    /// The invitations of the caller's organization that were not accepted yet, by address.
    pub async fn list_invitations(
        &self,
        proof: &Authorized<UsersRead>,
    ) -> Result<Vec<InvitationRecord>, Refusal> {
        let organization = proof.caller().organization();
        Ok(self.store().invitations(organization).await?)
    }

    /// Gives an invitation a new link and seven days more; the link before is dead.
    pub async fn renew_invitation(
        &self,
        proof: &Authorized<OrganizationManage>,
        id: InvitationId,
        once: Option<&str>,
    ) -> Result<Invited, Refusal> {
        let caller = proof.caller();
        let mut invitation = self.own_invitation(caller.organization(), id).await?;
        invitation.expires_at = self.now().plus(GOOD_FOR);
        let token = self.invitation_token();
        let event = self.invitation_event(caller, "user.invite_again", &invitation);
        let form = OnceForm::RenewInvitation(id);
        let store = self.store_for(proof, form, once, id.as_uuid());
        let renewed = store.renew_invitation(
            invitation.organization,
            id,
            token.hash(),
            invitation.expires_at,
            vec![event],
        );
        if renewed.await.map_err(Refusal::of_write)? {
            Ok(self.invited(invitation, Some(token)))
        } else {
            Err(unknown())
        }
    }

    /// Takes an invitation back; its link is dead.
    pub async fn remove_invitation(
        &self,
        proof: &Authorized<UsersWrite>,
        id: InvitationId,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let invitation = self.own_invitation(caller.organization(), id).await?;
        check_reach(caller, invitation.role)?;
        let event = self.invitation_event(caller, "user.uninvite", &invitation);
        let organization = invitation.organization;
        let withdrawn = self
            .store()
            .withdraw_invitation(organization, id, vec![event]);
        if withdrawn.await.map_err(Refusal::of_write)? {
            Ok(())
        } else {
            Err(unknown())
        }
    }

    async fn own_invitation(
        &self,
        organization: OrganizationId,
        id: InvitationId,
    ) -> Result<InvitationRecord, Refusal> {
        let all = self.store().invitations(organization).await?;
        let found = all.into_iter().find(|invitation| invitation.id == id);
        found.ok_or_else(unknown)
    }

    fn invitation_token(&self) -> PlainToken {
        PlainToken::generate(TokenKind::Invitation, self.entropy())
    }

    fn invited(&self, invitation: InvitationRecord, token: Option<PlainToken>) -> Invited {
        let public_url = &self.settings().public_url;
        let link = token
            .map(|token| Secret::new(format!("{public_url}/invitation?token={}", token.expose())));
        Invited { invitation, link }
    }

    fn invitation_event(
        &self,
        caller: &Caller,
        action: &'static str,
        invitation: &InvitationRecord,
    ) -> NewAuditEvent {
        let happening = Happening {
            action,
            resource: resource("invitation", invitation.id, Some(&invitation.email)),
            outcome: AuditOutcome::Success,
            detail: json!({
                "role": invitation.role.as_str(),
                "expires_at": Timestamp::to_string(&invitation.expires_at),
            }),
        };
        self.event_by(caller, happening)
    }
}

const fn unknown() -> Refusal {
    Refusal::NotFound("the invitation")
}

fn key_of(caller: &Caller) -> Option<Uuid> {
    match caller.principal() {
        Principal::IntegrationKey { id, .. } => Some(id.as_uuid()),
        Principal::AutomationKey(_, id) => Some(id.as_uuid()),
        Principal::Person(_) => None,
    }
}

fn checked(form: &NewUserForm) -> Result<Checked, Refusal> {
    let mut invalid = InvalidFields::default();
    check_email(&mut invalid, &form.email);
    let name = form.name.parse::<DisplayName>();
    if let Err(problem) = &name {
        invalid.add("name", problem.to_string());
    }
    let role = role(&form.role);
    if let Err(Refusal::InvalidRequest(problem)) = &role {
        for (field, problem) in problem.fields() {
            invalid.add(field, problem);
        }
    }
    match (name, role) {
        (Ok(name), Ok(role)) if invalid.fields().is_empty() => Ok(Checked {
            email: form.email.trim().to_lowercase(),
            name,
            role,
        }),
        _ => Err(Refusal::InvalidRequest(invalid)),
    }
}
