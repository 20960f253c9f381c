//! Invitations: a person is in an organization when they have accepted one.

mod accept;

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{InvitationId, OrganizationId, PlainToken, Secret, Timestamp, TokenKind};
use reoclo_store::{AuditOutcome, InvitationRecord, NewAuditEvent};
use serde_json::json;

pub use accept::{AcceptForm, InvitationView};

use crate::audit::{AuditedAction, resource};
use crate::core::Core;
use crate::passwords::PasswordHashing;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::users::check_reach;
use crate::{Authorized, Caller, OnceForm, OrganizationManage, Refusal, UsersRead, UsersWrite};

/// An invitation is good for this long.
pub(crate) const GOOD_FOR: Duration = Duration::from_hours(7 * 24);

/// An invitation, with its link where it is shown.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub invitation: InvitationRecord,
    /// Shown once, to a person; no key ever receives it.
    pub link: Option<Secret>,
}

/// Invitations to organizations.
#[derive(Clone, Copy)]
pub struct Invitations<'c> {
    pub(crate) core: &'c Core,
    pub(crate) settings: &'c Settings,
    pub(crate) passwords: &'c PasswordHashing,
    pub(crate) sessions: Sessions<'c>,
}

impl Invitations<'_> {
    /// The invitations of the caller's organization that were not accepted yet, by address.
    #[boxed]
    pub async fn list(
        &self,
        proof: &Authorized<UsersRead>,
    ) -> Result<Vec<InvitationRecord>, Refusal> {
        let organization = proof.caller().organization();
        Ok(self.core.store().invitations(organization).await?)
    }

    /// Gives an invitation a new link and seven days more; the link before is dead.
    #[boxed]
    pub async fn renew(
        &self,
        proof: &Authorized<OrganizationManage>,
        id: InvitationId,
        once: Option<&str>,
    ) -> Result<Invited, Refusal> {
        let caller = proof.caller();
        let mut invitation = self.find(caller.organization(), id).await?;
        invitation.expires_at = self.core.now().plus(GOOD_FOR);
        let token = self.invitation_token();
        let event = self.invitation_event(caller, "user.invite_again", &invitation);
        let form = OnceForm::RenewInvitation(id);
        let store = self.core.store_for(proof, form, once, id.as_uuid());
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
    #[boxed]
    pub async fn remove(
        &self,
        proof: &Authorized<UsersWrite>,
        id: InvitationId,
    ) -> Result<(), Refusal> {
        let caller = proof.caller();
        let invitation = self.find(caller.organization(), id).await?;
        check_reach(caller, invitation.role)?;
        let event = self.invitation_event(caller, "user.uninvite", &invitation);
        let organization = invitation.organization;
        let withdrawn = self
            .core
            .store()
            .remove_invitation(organization, id, vec![event]);
        if withdrawn.await.map_err(Refusal::of_write)? {
            Ok(())
        } else {
            Err(unknown())
        }
    }

    async fn find(
        self,
        organization: OrganizationId,
        id: InvitationId,
    ) -> Result<InvitationRecord, Refusal> {
        let all = self.core.store().invitations(organization).await?;
        let found = all.into_iter().find(|invitation| invitation.id == id);
        found.ok_or_else(unknown)
    }

    pub(crate) fn invitation_token(self) -> PlainToken {
        PlainToken::generate(TokenKind::Invitation, self.core.entropy())
    }

    pub(crate) fn invited(
        self,
        invitation: InvitationRecord,
        token: Option<PlainToken>,
    ) -> Invited {
        let public_url = &self.settings.public_url;
        let link = token
            .map(|token| Secret::new(format!("{public_url}/invitation?token={}", token.expose())));
        Invited { invitation, link }
    }

    pub(crate) fn invitation_event(
        self,
        caller: &Caller,
        action: &'static str,
        invitation: &InvitationRecord,
    ) -> NewAuditEvent {
        let audited = AuditedAction {
            action,
            resource: resource("invitation", invitation.id, Some(&invitation.email)),
            outcome: AuditOutcome::Success,
            detail: json!({
                "role": invitation.role.as_str(),
                "expires_at": Timestamp::to_string(&invitation.expires_at),
            }),
        };
        self.core.event_by(caller, audited)
    }
}

const fn unknown() -> Refusal {
    Refusal::NotFound("the invitation")
}
