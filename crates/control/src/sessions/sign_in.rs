//! Signing in.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Secret, TokenHash, UserId};
use reoclo_store::{Account, Actor, ActorKind, AuditOutcome, Membership, RequestSource};
use serde_json::json;

use super::Sessions;
use super::attempts::Attempt;
use super::failed::NotLetIn;
use super::known::Admitted;
use super::show::About;
use super::switch::choose;
use super::{LIFETIME, SignedIn, session_token};
use crate::Refusal;
use crate::audit::{AuditedAction, resource};

/// A longer password than any that can be set is not worth hashing.
const MAX_PASSWORD_BYTES: usize = 1_000;

/// What the sign-in page asks for.
#[derive(Debug)]
pub struct SignInForm {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// The id or slug of the organization to work in; without it, where the person was last.
    pub organization: Option<String>,
    /// The token of a session that the browser still has: it ends.
    pub replaces: Option<Secret>,
    /// What the browser kept of earlier sign-ins, to be known by one of them.
    pub devices: Vec<Secret>,
}

impl Sessions<'_> {
    /// Begins a session. The answer does not tell whether the account exists, and takes as long.
    #[boxed]
    pub async fn sign_in(
        &self,
        form: SignInForm,
        source: RequestSource,
    ) -> Result<SignedIn, Refusal> {
        let email = form.email.trim().to_lowercase();
        let devices = form.devices.as_slice();
        let admitted = self.admit_attempt(&email, &source, devices).await?;
        let checked = self.checked_account(admitted, &email, form.password, &source);
        let (account, attempt) = checked.await?;
        let memberships = self.core.store().memberships(account.user.id).await?;
        let Some(home) = account.home(&memberships).cloned() else {
            // It looks like a wrong password, and so it counts like one.
            attempt.failed(self.core.clock().monotonic());
            return Err(Refusal::InvalidCredentials);
        };
        if account
            .temporary_until
            .is_some_and(|until| until <= self.core.now())
        {
            return Err(Refusal::TemporaryPasswordExpired);
        }
        let chosen = match &form.organization {
            Some(name) => choose(&memberships, name)?,
            None => home,
        };
        let replaces = form.replaces.as_ref();
        let replaces = replaces.and_then(|token| session_token(token.expose()));
        let replaces = replaces.map(|token| token.hash());
        let signed_in = self
            .begin_session(&account, chosen, memberships, replaces, &source)
            .await?;
        attempt.succeeded();
        self.failed.note_signed_in();
        let device = self.remember(account.user.id, &source, devices).await;
        Ok(SignedIn {
            device,
            ..signed_in
        })
    }

    /// Whose account it is, when the password is right; counted like an attempt to sign in.
    pub(crate) async fn check_own_password(
        self,
        email: &str,
        password: Secret,
        source: &RequestSource,
    ) -> Result<UserId, Refusal> {
        let admitted = self.admit_attempt(email, source, &[]).await?;
        let checked = self.checked_account(admitted, email, password, source);
        let (account, attempt) = checked.await?;
        attempt.succeeded();
        Ok(account.user.id)
    }

    async fn begin_session(
        self,
        account: &Account,
        chosen: Membership,
        memberships: Vec<Membership>,
        replaces: Option<TokenHash>,
        source: &RequestSource,
    ) -> Result<SignedIn, Refusal> {
        let expires_at = self.core.now().plus(LIFETIME);
        let here = chosen.organization;
        let (new, token) = self.new_session(account.user.id, here, expires_at, source);
        let audited = sign_in_happening(account, AuditOutcome::Success);
        let event = self
            .core
            .event(Some(here), actor(account), source.clone(), audited);
        self.core
            .store()
            .create_session(new, replaces, self.idle_since(), vec![event])
            .await
            .map_err(Refusal::of_write)?;
        let creates = self.core.store().member(here, account.user.id).await?;
        let about = About {
            user: account.user.id,
            email: account.user.email.clone().unwrap_or_default(),
            name: account.user.name.clone().unwrap_or_default(),
            must_change_password: account.temporary_until.is_some(),
            may_create_organizations: creates.is_some_and(|member| member.may_create_organizations),
        };
        let session = about.session(chosen, memberships, token.csrf_token(), expires_at);
        Ok(SignedIn {
            token,
            session,
            device: None,
        })
    }

    /// The account, when the password is right. A wrong one is counted, and audited where the
    /// person is; one that could not be looked at is neither.
    async fn checked_account(
        self,
        admitted: Admitted,
        email: &str,
        password: Secret,
        source: &RequestSource,
    ) -> Result<(Account, Attempt), Refusal> {
        let Admitted { attempt, asker } = admitted;
        // No account has such an address, and the database cannot be asked for it.
        let found = if email.contains('\0') {
            None
        } else {
            self.core.store().account(email).await?
        };
        let is_too_long = password.expose().len() > MAX_PASSWORD_BYTES;
        let hash = found
            .as_ref()
            .and_then(|account| account.password_hash.clone())
            .filter(|_| !is_too_long);
        let password = if is_too_long {
            Secret::new("")
        } else {
            password
        };
        let is_right = self.passwords.verify(password, hash, asker).await?;
        let found = match found {
            Some(account) if is_right => return Ok((account, attempt)),
            found => found,
        };
        attempt.failed(self.core.clock().monotonic());
        match found {
            Some(account) => self.note_wrong_password(&account, source).await?,
            None => self
                .failed
                .note(self.core.now(), NotLetIn::UnknownAccount, source),
        }
        Err(Refusal::InvalidCredentials)
    }

    /// Counted where the person is.
    async fn note_wrong_password(
        self,
        account: &Account,
        source: &RequestSource,
    ) -> Result<(), Refusal> {
        let memberships = self.core.store().memberships(account.user.id).await?;
        let failed = NotLetIn::WrongPassword {
            organization: account.home(&memberships).map(|home| home.organization),
            user: account.user.id,
            label: account.user.email.as_deref().unwrap_or_default(),
        };
        self.failed.note(self.core.now(), failed, source);
        Ok(())
    }
}

fn sign_in_happening(account: &Account, outcome: AuditOutcome) -> AuditedAction {
    AuditedAction {
        action: "user.sign_in",
        resource: resource("user", account.user.id, account.user.email.as_deref()),
        outcome,
        detail: json!({}),
    }
}

fn actor(account: &Account) -> Actor {
    Actor {
        kind: ActorKind::User,
        id: Some(account.user.id.as_uuid()),
        label: account.user.email.clone().unwrap_or_default(),
    }
}
