//! Adding a person, with a temporary password or with the account that they have.

use reoclo_domain::{DisplayName, Role, Secret, Timestamp, UserId};
use reoclo_store::{Account, AuditOutcome, Conflict, NewAuditEvent, NewUser, StoreError};
use serde_json::json;

use super::{AddedUser, TEMPORARY_FOR, check_reach, role};
use crate::account::check_email;
use crate::audit::{Happening, resource};
use crate::passwords::{Asker, temporary_password};
use crate::{Authorized, Control, InvalidFields, Refusal, UsersWrite};

/// Who is to be added.
#[derive(Clone, Debug)]
pub struct NewUserForm {
    /// The address that they sign in with.
    pub email: String,
    /// 1 to 100 characters.
    pub name: String,
    /// `admin`, `manager`, `developer` or `viewer`.
    pub role: String,
}

struct Checked {
    email: String,
    name: DisplayName,
    role: Role,
}

impl Control {
    /// Adds a person to the caller's organization.
    ///
    /// Who has an account keeps it, with its name and password. Anybody else gets a temporary
    /// password, unless a key adds them: no key ever receives a password.
    pub async fn add_user(
        &self,
        proof: &Authorized<UsersWrite>,
        form: NewUserForm,
    ) -> Result<AddedUser, Refusal> {
        let wanted = checked(&form)?;
        check_reach(proof.caller(), wanted.role)?;
        let (id, temporary_password) = match self.store().account(&wanted.email).await? {
            Some(account) => (self.join(proof, &account, wanted.role).await?, None),
            None => self.create_account(proof, wanted).await?,
        };
        let organization = proof.caller().organization();
        let found = self.store().member(organization, id).await?;
        Ok(AddedUser {
            member: found.ok_or(Refusal::NotFound("the user"))?,
            temporary_password,
        })
    }

    async fn join(
        &self,
        proof: &Authorized<UsersWrite>,
        account: &Account,
        role: Role,
    ) -> Result<UserId, Refusal> {
        let (caller, user) = (proof.caller(), &account.user);
        let email = user.email.as_deref().unwrap_or_default();
        let event = self.user_event(proof, "user.add", user.id, email, role);
        let added = self
            .store()
            .add_member(caller.organization(), user.id, role, vec![event])
            .await;
        match added {
            Ok(()) => Ok(user.id),
            Err(StoreError::Conflict(Conflict::Exists)) => Err(Refusal::Conflict(format!(
                "{email} is in this organization already"
            ))),
            Err(error) => Err(Refusal::of_write(error)),
        }
    }

    async fn create_account(
        &self,
        proof: &Authorized<UsersWrite>,
        wanted: Checked,
    ) -> Result<(UserId, Option<(Secret, Timestamp)>), Refusal> {
        let caller = proof.caller();
        let until = self.now().plus(TEMPORARY_FOR);
        let password = caller.person().map(|_| temporary_password(self.entropy()));
        let hash = match &password {
            Some(password) => Some(self.hash_password(password.clone(), Asker::Known).await?),
            None => None,
        };
        let id = UserId::new(self.clock(), self.entropy());
        let event = self.user_event(proof, "user.create", id, &wanted.email, wanted.role);
        let user = NewUser {
            id,
            email: Some(wanted.email),
            name: Some(wanted.name.to_string()),
            password_hash: hash,
            temporary_until: Some(until),
            created_at: self.now(),
        };
        self.store()
            .create_user(user, caller.organization(), wanted.role, vec![event])
            .await
            .map_err(Refusal::of_write)?;
        Ok((id, password.map(|password| (password, until))))
    }

    fn user_event(
        &self,
        proof: &Authorized<UsersWrite>,
        action: &'static str,
        id: UserId,
        email: &str,
        role: Role,
    ) -> NewAuditEvent {
        let happening = Happening {
            action,
            resource: resource("user", id, Some(email)),
            outcome: AuditOutcome::Success,
            detail: json!({ "role": role.as_str() }),
        };
        self.event_by(proof.caller(), happening)
    }
}

fn checked(form: &NewUserForm) -> Result<Checked, Refusal> {
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
