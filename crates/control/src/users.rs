//! The people of an organization.

mod change;
mod invite;
mod list;
mod remove;
mod reset_password;

use std::time::Duration;

use reoclo_domain::{Role, Secret, Timestamp};
use reoclo_store::MemberRecord;

pub use remove::RemovedUser;

use crate::core::Core;
use crate::passwords::PasswordHashing;
use crate::sessions::Sessions;
use crate::{Caller, CredentialKind, Refusal};

/// A temporary password is good for this long.
const TEMPORARY_FOR: Duration = Duration::from_hours(7 * 24);

/// A person who was given a new password.
#[derive(Debug)]
pub struct AddedUser {
    /// The person.
    pub member: MemberRecord,
    /// Shown once, with the moment when it stops working.
    pub temporary_password: Option<(Secret, Timestamp)>,
}

/// A key neither makes nor changes admins and managers.
pub(crate) fn check_reach(caller: &Caller, role: Role) -> Result<(), Refusal> {
    if caller.person().is_none() && role >= Role::Manager {
        return Err(Refusal::WrongKeyType {
            needed: CredentialKind::Session,
        });
    }
    Ok(())
}

fn role(text: &str) -> Result<Role, Refusal> {
    text.parse()
        .map_err(|error: reoclo_domain::UnknownRole| Refusal::field("role", error.to_string()))
}

/// The people of organizations.
#[derive(Clone, Copy)]
pub struct Users<'c> {
    pub(crate) core: &'c Core,
    pub(crate) passwords: &'c PasswordHashing,
    pub(crate) sessions: Sessions<'c>,
}
