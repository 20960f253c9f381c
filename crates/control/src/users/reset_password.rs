//! Giving a person a new temporary password.

use reoclo_domain::UserId;
use reoclo_store::{AuditOutcome, NewPassword};
use serde_json::json;

use super::{AddedUser, TEMPORARY_FOR};
use crate::audit::{Happening, resource};
use crate::passwords::temporary_password;
use crate::{Authorized, Control, OrganizationManage, Refusal};

impl Control {
    /// Gives somebody of the caller's organization a temporary password, and ends their sessions.
    ///
    /// Only somebody who is in no other organization: whoever sets a password can sign in with
    /// it everywhere.
    pub async fn reset_user_password(
        &self,
        proof: &Authorized<OrganizationManage>,
        id: UserId,
    ) -> Result<AddedUser, Refusal> {
        let caller = proof.caller();
        let found = self.store().member(caller.organization(), id).await?;
        let member = found.ok_or(Refusal::NotFound("the user"))?;
        if caller.person().is_some_and(|person| person.user == id) {
            return Err(Refusal::Conflict(
                "change your own password with POST /api/auth/password".into(),
            ));
        }
        if member.email.is_none() {
            return Err(Refusal::Conflict(
                "this account is still to be set up with its one-time link".into(),
            ));
        }
        if !member.is_only_here {
            return Err(Refusal::Conflict(
                "this person is in other organizations too, so nobody else sets their password"
                    .into(),
            ));
        }
        let password = temporary_password(self.entropy());
        let until = self.now().plus(TEMPORARY_FOR);
        let new = NewPassword {
            hash: self.hash_password(password.clone()).await?,
            temporary_until: Some(until),
        };
        let happening = Happening {
            action: "user.password_reset",
            resource: resource("user", member.id, member.email.as_deref()),
            outcome: AuditOutcome::Success,
            detail: json!({ "expires_at": until.to_string() }),
        };
        let event = self.event_by(caller, happening);
        let set = self.store().set_password(id, new, None, vec![event]).await;
        set.map_err(Refusal::of_write)?;
        let found = self.store().member(caller.organization(), id).await?;
        Ok(AddedUser {
            member: found.ok_or(Refusal::NotFound("the user"))?,
            temporary_password: Some((password, until)),
        })
    }
}
