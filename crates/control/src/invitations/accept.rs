//! Joining an organization with the link of an invitation.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{
    DisplayName, OrganizationId, PlainToken, Role, Secret, Timestamp, TokenKind, UserId,
};
use reoclo_store::{
    Accepting, Account, Actor, ActorKind, AuditOutcome, Conflict, InvitationRecord, NewAuditEvent,
    NewUser, RequestSource, StoreError,
};
use serde_json::json;

use super::Invitations;
use crate::audit::{AuditedAction, resource};
use crate::passwords::{Asker, check_password};
use crate::{InvalidFields, Refusal};

/// An invitation, as whoever has its link sees it.
#[derive(Clone, Debug)]
pub struct InvitationView {
    /// The organization to join.
    pub organization: String,
    /// The address that it is bound to.
    pub email: String,
    /// What whoever invited calls the person.
    pub name: String,
    /// The role to have.
    pub role: Role,
    /// The address has an account, whose password is asked for.
    pub has_account: bool,
    /// From this moment on it is dead.
    pub expires_at: Timestamp,
}

/// What accepting takes.
#[derive(Debug)]
pub struct AcceptForm {
    /// The token of the link.
    pub token: Secret,
    /// The person's name; not looked at where they have an account.
    pub name: String,
    /// The password of the account, or one that they choose for a new one.
    pub password: Secret,
}

impl Invitations<'_> {
    /// What the link of an invitation is good for.
    #[boxed]
    pub async fn show(&self, token: &Secret) -> Result<InvitationView, Refusal> {
        let (_, invitation) = self.open(token).await?;
        let organization = self
            .core
            .store()
            .organization(invitation.organization)
            .await?;
        let account = self.core.store().account(&invitation.email).await?;
        Ok(InvitationView {
            organization: organization.ok_or_else(dead_link)?.name,
            has_account: account.is_some_and(|account| account.password_hash.is_some()),
            email: invitation.email,
            name: invitation.name,
            role: invitation.role,
            expires_at: invitation.expires_at,
        })
    }

    /// Makes whoever has the link and shows that the address is theirs a member: with the
    /// password of their account, or with a new account. The link is used up.
    #[boxed]
    pub async fn accept(
        &self,
        form: AcceptForm,
        source: RequestSource,
    ) -> Result<(UserId, OrganizationId), Refusal> {
        let (token, invitation) = self.open(&form.token).await?;
        let email = invitation.email.clone();
        let (user, accepting) = match self.core.store().account(&email).await? {
            None => self.new_account(&email, form, &source).await?,
            Some(account) if account.password_hash.is_some() => {
                self.own_account(&email, form.password, &source).await?
            }
            Some(account) => self.claimed(account, form.password, &source).await?,
        };
        let event = self.joined(&invitation, user, source);
        let accepted = self
            .core
            .store()
            .accept_invitation(token.hash(), self.core.now(), accepting, vec![event])
            .await;
        match accepted {
            Ok(true) => Ok((user, invitation.organization)),
            Ok(false) => Err(dead_link()),
            Err(StoreError::Conflict(Conflict::Exists)) => Err(Refusal::Conflict(
                "you are in this organization already: sign in".into(),
            )),
            Err(error) => Err(Refusal::of_write(error)),
        }
    }

    /// Looked up before any other work is done for whoever shows it.
    async fn open(self, text: &Secret) -> Result<(PlainToken, InvitationRecord), Refusal> {
        let token = PlainToken::parse(text.expose()).ok();
        let token = token.filter(|token| token.kind() == TokenKind::Invitation);
        let token = token.ok_or_else(dead_link)?;
        let found = self.core.store().invitation_of(token.hash()).await?;
        let invitation = found.filter(|invitation| self.core.now() < invitation.expires_at);
        Ok((token, invitation.ok_or_else(dead_link)?))
    }

    async fn new_account(
        self,
        email: &str,
        form: AcceptForm,
        source: &RequestSource,
    ) -> Result<(UserId, Accepting), Refusal> {
        let mut invalid = InvalidFields::default();
        if let Err(problem) = form.name.parse::<DisplayName>() {
            invalid.add("name", problem.to_string());
        }
        let about = [form.name.as_str(), email];
        check_password(&mut invalid, "password", &form.password, &about);
        invalid.into_result()?;
        let password_hash = self
            .passwords
            .hash(self.core.entropy(), form.password, Asker::with_link(source))
            .await?;
        let user = NewUser {
            id: UserId::new(self.core.clock(), self.core.entropy()),
            email: Some(email.to_owned()),
            name: Some(form.name.trim().to_owned()),
            password_hash: Some(password_hash),
            temporary_until: None,
            created_at: self.core.now(),
        };
        Ok((user.id, Accepting::New(user)))
    }

    async fn own_account(
        self,
        email: &str,
        password: Secret,
        source: &RequestSource,
    ) -> Result<(UserId, Accepting), Refusal> {
        match self
            .sessions
            .check_own_password(email, password, source)
            .await
        {
            Ok(user) => Ok((user, Accepting::Account(user))),
            Err(Refusal::InvalidCredentials) => Err(Refusal::field(
                "password",
                "is not that of your account: use the one that you sign in with",
            )),
            Err(refusal) => Err(refusal),
        }
    }

    /// An account that nobody has had a password for is only claimed while it is in no
    /// organization: else whoever invites could give its power there to anybody.
    async fn claimed(
        self,
        account: Account,
        password: Secret,
        source: &RequestSource,
    ) -> Result<(UserId, Accepting), Refusal> {
        let user = account.user.id;
        if !self.core.store().memberships(user).await?.is_empty() {
            return Err(Refusal::Conflict(
                "your account has no password yet: ask an admin of the organization that you are \
                 in for one, and then accept with it"
                    .into(),
            ));
        }
        let mut invalid = InvalidFields::default();
        let about = [account.user.name.as_deref(), account.user.email.as_deref()];
        let about: Vec<&str> = about.into_iter().flatten().collect();
        check_password(&mut invalid, "password", &password, &about);
        invalid.into_result()?;
        let hash = self
            .passwords
            .hash(self.core.entropy(), password, Asker::with_link(source))
            .await?;
        Ok((user, Accepting::Unclaimed(user, hash)))
    }

    fn joined(
        self,
        invitation: &InvitationRecord,
        user: UserId,
        source: RequestSource,
    ) -> NewAuditEvent {
        let actor = Actor {
            kind: ActorKind::User,
            id: Some(user.as_uuid()),
            label: invitation.email.clone(),
        };
        let audited = AuditedAction {
            action: "user.join",
            resource: resource("user", user, Some(&invitation.email)),
            outcome: AuditOutcome::Success,
            detail: json!({
                "role": invitation.role.as_str(),
                "invitation_id": invitation.id,
            }),
        };
        self.core
            .event(Some(invitation.organization), actor, source, audited)
    }
}

/// Used, withdrawn, expired and never issued look the same.
fn dead_link() -> Refusal {
    Refusal::field(
        "token",
        "is not an open invitation: it works once and for 7 days; ask whoever invited you for a \
         new one",
    )
}
