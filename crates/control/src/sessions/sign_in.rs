//! Signing in.

use std::net::IpAddr;
use std::time::Duration;

use reoclo_domain::{Secret, TokenHash};
use reoclo_store::{
    Account, Actor, ActorKind, AttemptLimit, AttemptVerdict, AuditOutcome, Membership,
    RequestSource,
};
use serde_json::json;

use super::current::About;
use super::switch::choose;
use super::{LIFETIME, SignedIn, session_token};
use crate::audit::{Happening, resource};
use crate::failed_authentications::subscriber;
use crate::{Control, Refusal};

/// Attempts are counted over this time, from the first on.
const WINDOW: Duration = Duration::from_mins(15);
/// Attempts on one account in a window.
const ATTEMPTS_ON_ACCOUNT: u32 = 10;
/// Attempts from one address in a window; offices share one.
const ATTEMPTS_FROM_ADDRESS: u32 = 50;
/// A longer password than any that can be set is not worth hashing.
const MAX_PASSWORD_BYTES: usize = 1_000;

/// What the sign-in page asks for.
#[derive(Debug)]
pub struct SignInForm {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// The id or slug of the organization to work in; without it, the first by slug.
    pub organization: Option<String>,
    /// The token of a session that the browser still has: it ends.
    pub replaces: Option<Secret>,
}

impl Control {
    /// Begins a session. The answer does not tell whether the account exists, and takes as long.
    pub async fn sign_in(
        &self,
        form: SignInForm,
        source: RequestSource,
    ) -> Result<SignedIn, Refusal> {
        let email = form.email.trim().to_lowercase();
        self.check_attempts(&email, &source).await?;
        let account = self.checked_account(&email, form.password, &source).await?;
        let memberships = self.store().memberships(account.user.id).await?;
        let Some(first) = memberships.first() else {
            return Err(Refusal::InvalidCredentials);
        };
        if account
            .temporary_until
            .is_some_and(|until| until <= self.now())
        {
            return Err(Refusal::TemporaryPasswordExpired);
        }
        let chosen = match &form.organization {
            Some(name) => choose(&memberships, name)?,
            None => first.clone(),
        };
        let replaces = form.replaces.as_ref();
        let replaces = replaces.and_then(|token| session_token(token.expose()));
        let replaces = replaces.map(|token| token.hash());
        let signed_in = self
            .begin_session(&account, chosen, memberships, replaces, &source)
            .await?;
        self.forgive_attempts(&email, &source).await?;
        Ok(signed_in)
    }

    async fn begin_session(
        &self,
        account: &Account,
        chosen: Membership,
        memberships: Vec<Membership>,
        replaces: Option<TokenHash>,
        source: &RequestSource,
    ) -> Result<SignedIn, Refusal> {
        let expires_at = self.now().plus(LIFETIME);
        let here = chosen.organization;
        let (new, token) = self.new_session(account.user.id, here, expires_at, source);
        let happening = sign_in_happening(account, AuditOutcome::Success);
        let event = self.event(Some(here), actor(account), source.clone(), happening);
        self.store()
            .create_session(new, replaces, self.idle_since(), vec![event])
            .await
            .map_err(Refusal::of_write)?;
        let creates = self.store().member(here, account.user.id).await?;
        let about = About {
            user: account.user.id,
            email: account.user.email.clone().unwrap_or_default(),
            name: account.user.name.clone().unwrap_or_default(),
            must_change_password: account.temporary_until.is_some(),
            may_create_organizations: creates.is_some_and(|member| member.may_create_organizations),
        };
        let session = about.session(chosen, memberships, &token, expires_at);
        Ok(SignedIn { token, session })
    }

    /// The account, when the password is right. A wrong one is audited where the person is.
    async fn checked_account(
        &self,
        email: &str,
        password: Secret,
        source: &RequestSource,
    ) -> Result<Account, Refusal> {
        // No account has such an address, and the database cannot be asked for it.
        let found = if email.contains('\0') {
            None
        } else {
            self.store().account(email).await?
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
        let is_right = self.verify_password(password, hash).await?;
        match found {
            Some(account) if is_right => Ok(account),
            Some(account) => {
                self.audit_wrong_password(&account, source).await?;
                Err(Refusal::InvalidCredentials)
            }
            None => Err(Refusal::InvalidCredentials),
        }
    }

    async fn audit_wrong_password(
        &self,
        account: &Account,
        source: &RequestSource,
    ) -> Result<(), Refusal> {
        let memberships = self.store().memberships(account.user.id).await?;
        let organization = memberships.first().map(|first| first.organization);
        let happening = sign_in_happening(account, AuditOutcome::Refused);
        let event = self.event(organization, actor(account), source.clone(), happening);
        let written = self.store().append_audit(vec![event]).await;
        written.map_err(Refusal::of_write)
    }

    /// Counts an attempt before the password is looked at, so that many at once are no way around
    /// the limits.
    pub(super) async fn check_attempts(
        &self,
        email: &str,
        source: &RequestSource,
    ) -> Result<(), Refusal> {
        let limits = vec![
            AttemptLimit {
                subject: account_subject(email),
                most: ATTEMPTS_ON_ACCOUNT,
            },
            AttemptLimit {
                subject: address_subject(source.ip),
                most: ATTEMPTS_FROM_ADDRESS,
            },
        ];
        let now = self.now();
        let verdict = self.store().count_attempt(limits, now, WINDOW).await;
        match verdict.map_err(Refusal::of_write)? {
            AttemptVerdict::Allowed => Ok(()),
            AttemptVerdict::NotBefore(moment) => Err(Refusal::TooManyAttempts {
                retry_after: moment.since(now).as_secs().max(1),
            }),
        }
    }

    pub(crate) async fn forgive_attempts(
        &self,
        email: &str,
        source: &RequestSource,
    ) -> Result<(), Refusal> {
        let (account, address) = (account_subject(email), address_subject(source.ip));
        let done = self.store().attempt_succeeded(&account, &address).await;
        done.map_err(Refusal::of_write)
    }
}

fn sign_in_happening(account: &Account, outcome: AuditOutcome) -> Happening {
    Happening {
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

/// Hashed, since people type passwords into this field.
fn account_subject(email: &str) -> String {
    use std::fmt::Write;
    let mut subject = String::from("account:");
    for byte in &TokenHash::of(email).as_bytes()[..16] {
        // Writing to a String does not fail.
        let _ = write!(subject, "{byte:02x}");
    }
    subject
}

fn address_subject(ip: Option<IpAddr>) -> String {
    match ip {
        Some(ip) => format!("address:{}", subscriber(ip)),
        None => "address:unknown".into(),
    }
}
