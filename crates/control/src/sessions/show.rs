//! What a session is.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Secret, Timestamp, UserId};
use reoclo_store::{Membership, RefusedPasswords};

use super::SessionView;
use super::Sessions;
use crate::{Authorized, OwnSession, Person, Refusal};

impl Sessions<'_> {
    /// The caller's session. Who they are and what they may is what the proof was made of; only
    /// the organizations that they are in are looked up.
    #[boxed]
    pub async fn show(&self, proof: &Authorized<OwnSession>) -> Result<SessionView, Refusal> {
        let caller = proof.caller();
        let person = caller.person().ok_or(Refusal::SessionExpired)?;
        let mut memberships = self.core.store().memberships(person.user).await?;
        let current = memberships
            .iter_mut()
            .find(|membership| membership.organization == caller.organization())
            .ok_or(Refusal::SessionExpired)?;
        current.role = person.role;
        let current = current.clone();
        let about = About {
            must_change_password: person.must_change_password,
            ..About::of(person)
        };
        let csrf_token = person.csrf_token.clone();
        Ok(about.session(current, memberships, csrf_token, person.expires_at))
    }
}

impl Sessions<'_> {
    /// The last passwords for the caller's account that were refused.
    #[boxed]
    pub async fn refused_passwords(
        &self,
        proof: &Authorized<OwnSession>,
    ) -> Result<Vec<RefusedPasswords>, Refusal> {
        let person = proof.caller().person().ok_or(Refusal::SessionExpired)?;
        Ok(self.core.store().refused_passwords(person.user).await?)
    }
}

/// What a session says about its person.
pub(super) struct About {
    pub(super) user: UserId,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) must_change_password: bool,
    pub(super) may_create_organizations: bool,
}

impl About {
    /// A person who has chosen their password.
    pub(super) fn of(person: &Person) -> Self {
        Self {
            user: person.user,
            email: person.email.clone(),
            name: person.name.clone(),
            must_change_password: false,
            may_create_organizations: person.may_create_organizations,
        }
    }

    pub(super) fn session(
        self,
        current: Membership,
        memberships: Vec<Membership>,
        csrf_token: Secret,
        expires_at: Timestamp,
    ) -> SessionView {
        SessionView {
            user: self.user,
            email: self.email,
            name: self.name,
            current,
            memberships,
            csrf_token,
            must_change_password: self.must_change_password,
            may_create_organizations: self.may_create_organizations,
            expires_at,
        }
    }
}
