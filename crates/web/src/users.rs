//! The people of the organization.

mod change;
mod invite;
mod list;
mod remove;
mod reset_password;
mod show;

use reoclo_control::{MemberRecord, PasswordStatus, UsersRead};
use reoclo_domain::Role;
use reoclo_http::Registrar;

use crate::pages::Pages;
use crate::words::Badge;

pub(crate) const PAGES: Pages = Pages::of(add)
    .at::<UsersRead>("/users", "Users", "users")
    .saying(&[("user-changed", "The change is saved.")]);

fn add(registrar: Registrar) -> Registrar {
    registrar
        .page("/users", list::show)
        .page_post("/users", invite::invite)
        .page("/users/new", invite::show)
        .page("/users/{id}", show::show)
        .page_post("/users/{id}", change::change)
        .page("/users/{id}/remove", remove::confirm)
        .page_post("/users/{id}/remove", remove::remove)
        .page_post("/users/{id}/reset-password", reset_password::reset_password)
}

const WHAT: &str = "the user";

/// What a person is called.
fn name(member: &MemberRecord) -> String {
    let name = member.name.clone().filter(|name| !name.is_empty());
    name.or_else(|| member.email.clone())
        .unwrap_or_else(|| "An account that is not set up".into())
}

const fn account(password: PasswordStatus) -> Badge {
    let (class, text) = match password {
        PasswordStatus::Missing => ("warn", "Cannot sign in"),
        PasswordStatus::Temporary => ("warn", "Temporary password"),
        PasswordStatus::Chosen => ("good", "Active"),
    };
    Badge { class, text }
}

/// Every role, the strongest first, with what it may do.
const ROLES: [(Role, &str); 4] = [
    (Role::Admin, "Everything, people and settings included."),
    (
        Role::Manager,
        "Everything but people and settings: servers, every key, automation keys.",
    ),
    (
        Role::Developer,
        "Reads everything, works on applications, has integration keys.",
    ),
    (Role::Viewer, "Reads everything. Has no keys."),
];
