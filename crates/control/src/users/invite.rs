//! Asking a person to join.

use async_recursion::async_recursion as boxed;
use reoclo_api_types::AddUserRequest;
use reoclo_domain::{DisplayName, InvitationId, PlainToken, Role};
use reoclo_store::{Conflict, InvitationRecord, StoreError};
use uuid::Uuid;

use super::{check_reach, role};
use crate::invitations::GOOD_FOR;
use crate::invitations::Invitations;
use crate::setup::check_email;
use crate::{Authorized, Caller, InvalidFields, Invited, OnceForm, Principal, Refusal, UsersWrite};

struct Checked {
    email: String,
    name: DisplayName,
    role: Role,
}

impl Invitations<'_> {
    /// Invites a person to the caller's organization. They are a member when they have accepted,
    /// and nothing of theirs changes before: neither is told whether they have an account.
    /// A form with the mark `once` invites once.
    #[boxed]
    pub async fn invite(
        &self,
        proof: &Authorized<UsersWrite>,
        form: AddUserRequest,
        once: Option<&str>,
    ) -> Result<Invited, Refusal> {
        let wanted = checked(&form)?;
        let caller = proof.caller();
        check_reach(caller, wanted.role)?;
        let token = caller.person().map(|_| self.invitation_token());
        let invitation = InvitationRecord {
            id: InvitationId::new(self.core.clock(), self.core.entropy()),
            organization: caller.organization(),
            email: wanted.email,
            name: wanted.name.to_string(),
            role: wanted.role,
            key: key_of(caller),
            created_at: self.core.now(),
            expires_at: self.core.now().plus(GOOD_FOR),
        };
        let event = self.invitation_event(caller, "user.invite", &invitation);
        let hash = token.as_ref().map(PlainToken::hash);
        let store = self
            .core
            .store_for(proof, OnceForm::Invite, once, invitation.id.as_uuid());
        let invited = store.invite(invitation.clone(), hash, vec![event]);
        let email = &invitation.email;
        match invited.await {
            Ok(()) => Ok(self.invited(invitation, token)),
            Err(StoreError::Conflict(Conflict::Exists)) => Err(Refusal::Taken {
                field: "email",
                detail: format!("{email} is in this organization already"),
            }),
            Err(StoreError::Conflict(Conflict::Taken {
                column: "email", ..
            })) => Err(Refusal::Taken {
                field: "email",
                detail: format!(
                    "{email} is invited already: show a new link on the Users page, or withdraw \
                     the invitation"
                ),
            }),
            Err(error) => Err(Refusal::of_write(error)),
        }
    }
}

fn key_of(caller: &Caller) -> Option<Uuid> {
    match caller.principal() {
        Principal::IntegrationKey { id, .. } => Some(id.as_uuid()),
        Principal::AutomationKey(_, id) => Some(id.as_uuid()),
        Principal::Person(_) => None,
    }
}

fn checked(form: &AddUserRequest) -> Result<Checked, Refusal> {
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
