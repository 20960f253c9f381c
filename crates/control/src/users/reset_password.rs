//! Giving a person a new temporary password.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{Secret, Timestamp, UserId};
use reoclo_store::{AuditOutcome, MemberRecord, NewPassword};
use serde_json::json;

use super::Users;
use super::{AddedUser, TEMPORARY_FOR};
use crate::audit::{AuditedAction, resource};
use crate::edit::settled;
use crate::passwords::{Asker, temporary_password};
use crate::{Authorized, LocalOwner, OnceForm, OrganizationManage, Refusal};

impl Users<'_> {
    /// Gives somebody of the caller's organization a temporary password, and ends their sessions.
    ///
    /// Only somebody who is in no other organization: whoever sets a password can sign in with
    /// it everywhere.
    #[boxed]
    pub async fn reset_password(
        &self,
        proof: &Authorized<OrganizationManage>,
        id: UserId,
        once: Option<&str>,
    ) -> Result<AddedUser, Refusal> {
        let caller = proof.caller();
        if caller.person().is_some_and(|person| person.user == id) {
            return Err(Refusal::Conflict(
                "your own password is changed with the one that you have: a reset is for others"
                    .into(),
            ));
        }
        let organization = caller.organization();
        let found = self.core.store().member(organization, id).await?;
        check_resettable(&found.ok_or(Refusal::NotFound("the user"))?)?;
        let (password, until) = self.new_temporary_password();
        let new = NewPassword {
            hash: self
                .passwords
                .hash(self.core.entropy(), password.clone(), Asker::Known)
                .await?,
            temporary_until: Some(until),
            replaces: None,
        };
        let (core, caller) = (self.core.clone(), caller.clone());
        let rule = move |member: &MemberRecord| {
            check_resettable(member)?;
            let audited = password_reset(id, member.email.as_deref(), until);
            Ok(vec![core.event_by(&caller, audited)])
        };
        let store = self
            .core
            .store_for(proof, OnceForm::ResetPassword(id), once, id.as_uuid());
        let set = store.set_member_password(organization, id, new, rule).await;
        settled(set, "the user")?;
        let found = self.core.store().member(organization, id).await?;
        Ok(AddedUser {
            member: found.ok_or(Refusal::NotFound("the user"))?,
            temporary_password: Some((password, until)),
        })
    }

    /// Gives anybody a temporary password, for the owner of this machine; too many wrong attempts
    /// on the account are forgotten.
    #[boxed]
    pub async fn reset_password_for_owner(
        &self,
        _owner: &LocalOwner,
        email: &str,
    ) -> Result<(Secret, Timestamp), Refusal> {
        let email = email.trim().to_lowercase();
        let found = self.core.store().account(&email).await?;
        let account = found.ok_or(Refusal::NotFound("an account with that address"))?;
        let user = account.user.id;
        let (password, until) = self.new_temporary_password();
        let new = NewPassword {
            hash: self
                .passwords
                .hash(self.core.entropy(), password.clone(), Asker::Known)
                .await?,
            temporary_until: Some(until),
            replaces: None,
        };
        let memberships = self.core.store().memberships(user).await?;
        let organization = account.home(&memberships).map(|home| home.organization);
        let audited = password_reset(user, Some(&email), until);
        let event = self.core.event_by_system(organization, audited);
        self.core
            .store()
            .set_password(user, new, None, vec![event])
            .await
            .map_err(Refusal::of_write)?;
        self.sessions.forgive_attempts(&email);
        Ok((password, until))
    }

    fn new_temporary_password(self) -> (Secret, Timestamp) {
        let password = temporary_password(self.core.entropy());
        (password, self.core.now().plus(TEMPORARY_FOR))
    }
}

/// Whoever sets a password can sign in with it everywhere.
fn check_resettable(member: &MemberRecord) -> Result<(), Refusal> {
    if member.email.is_none() {
        return Err(Refusal::Conflict(
            "this account is still to be set up with its one-time link".into(),
        ));
    }
    if !member.is_only_here {
        return Err(Refusal::Conflict(
            "this person is in other organizations too, so nobody else sets their password".into(),
        ));
    }
    Ok(())
}

fn password_reset(user: UserId, email: Option<&str>, until: Timestamp) -> AuditedAction {
    AuditedAction {
        action: "user.password_reset",
        resource: resource("user", user, email),
        outcome: AuditOutcome::Success,
        detail: json!({ "expires_at": until.to_string() }),
    }
}
