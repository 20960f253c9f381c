//! What a session is.

use reoclo_domain::{PlainToken, Timestamp, UserId};
use reoclo_store::{Membership, RefusedPasswords};

use super::{SessionView, session_token};
use crate::{Authorized, Control, OwnSession, Person, Refusal};

impl Control {
    /// The session that the caller shows with `token`.
    pub async fn current_session(
        &self,
        proof: &Authorized<OwnSession>,
        token: &str,
    ) -> Result<SessionView, Refusal> {
        let (caller, token) = (proof.caller(), session_token(token));
        let (Some(person), Some(token)) = (caller.person(), token) else {
            return Err(Refusal::SessionExpired);
        };
        let found = self.store().find_session(&token.hash()).await?;
        let session = found.ok_or(Refusal::SessionExpired)?;
        let memberships = self.store().memberships(person.user).await?;
        let current = memberships
            .iter()
            .find(|membership| membership.organization == session.organization)
            .ok_or(Refusal::SessionExpired)?
            .clone();
        let about = About {
            user: person.user,
            email: session.email,
            name: session.name,
            must_change_password: session.must_change_password,
            may_create_organizations: session.may_create_organizations,
        };
        Ok(about.session(current, memberships, &token, session.expires_at))
    }
}

impl Control {
    /// The last passwords for the caller's account that were refused.
    pub async fn own_refused_passwords(
        &self,
        proof: &Authorized<OwnSession>,
    ) -> Result<Vec<RefusedPasswords>, Refusal> {
        let person = proof.caller().person().ok_or(Refusal::SessionExpired)?;
        Ok(self.store().refused_passwords(person.user).await?)
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
        token: &PlainToken,
        expires_at: Timestamp,
    ) -> SessionView {
        SessionView {
            user: self.user,
            email: self.email,
            name: self.name,
            current,
            memberships,
            csrf_token: token.csrf_token(),
            must_change_password: self.must_change_password,
            may_create_organizations: self.may_create_organizations,
            expires_at,
        }
    }
}
