//! Changing one's own password.

use async_recursion::async_recursion as boxed;
use reoclo_domain::Secret;
use reoclo_store::{AuditOutcome, NewPassword};
use serde_json::json;

use super::Sessions;
use super::show::About;
use super::{SignedIn, session_token};
use crate::audit::{AuditedAction, resource};
use crate::passwords::{Asker, check_password};
use crate::{Authorized, InvalidFields, OwnSession, Person, Refusal};

impl Sessions<'_> {
    /// Changes the caller's password and ends all their sessions; the caller goes on in a new
    /// one.
    #[boxed]
    pub async fn change_password(
        &self,
        proof: &Authorized<OwnSession>,
        token: &str,
        current: Secret,
        new: Secret,
    ) -> Result<SignedIn, Refusal> {
        let (caller, old) = (proof.caller(), session_token(token));
        let (Some(person), Some(old)) = (caller.person(), old) else {
            return Err(Refusal::SessionExpired);
        };
        check_new(person, &current, &new)?;
        let attempt = self.admit_own_attempt(person, caller)?;
        let account = self.core.store().account_of(person.user).await?;
        let hash = account.and_then(|account| account.password_hash);
        if !self
            .passwords
            .verify(current, hash.clone(), Asker::Known)
            .await?
        {
            attempt.failed(self.core.clock().monotonic());
            return Err(Refusal::field("current_password", "is not right"));
        }
        attempt.succeeded();
        // That took its time: whoever was signed out meanwhile gets no new session.
        let found = self.core.store().find_session(&old.hash()).await?;
        let session = found.ok_or(Refusal::SessionExpired)?;
        let memberships = self.core.store().memberships(person.user).await?;
        let here = caller.organization();
        let current = memberships
            .iter()
            .find(|membership| membership.organization == here)
            .ok_or(Refusal::SessionExpired)?
            .clone();
        let password = NewPassword {
            hash: self
                .passwords
                .hash(self.core.entropy(), new, Asker::Known)
                .await?,
            temporary_until: None,
            replaces: hash,
        };
        let audited = AuditedAction {
            action: "user.password",
            resource: resource("user", person.user, Some(&person.email)),
            outcome: AuditOutcome::Success,
            detail: json!({}),
        };
        let event = self.core.event_by(caller, audited);
        let (new, token) = self.new_session(person.user, here, session.expires_at, caller.source());
        self.core
            .store()
            .set_password(person.user, password, Some(new), vec![event])
            .await
            .map_err(Refusal::of_write)?;
        let about = About::of(person);
        let session = about.session(current, memberships, token.csrf_token(), session.expires_at);
        Ok(SignedIn {
            token,
            session,
            device: None,
        })
    }
}

fn check_new(person: &Person, current: &Secret, new: &Secret) -> Result<(), Refusal> {
    let mut invalid = InvalidFields::default();
    let about = [person.email.as_str(), person.name.as_str()];
    check_password(&mut invalid, "new_password", new, &about);
    if current.expose() == new.expose() {
        invalid.add("new_password", "must not be the current one");
    }
    invalid.into_result()
}
