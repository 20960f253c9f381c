//! The people whom a key added, as its pages list them.

use reoclo_control::{KeyPerson, KeyPersonPlace};

/// Somebody whom a key added or invited.
pub(super) struct AddedPerson {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) role: &'static str,
    /// The page where they can be removed, or the invitation withdrawn.
    pub(super) href: String,
    pub(super) is_invited: bool,
}

impl AddedPerson {
    pub(super) fn of(person: KeyPerson) -> Self {
        let (href, is_invited) = match person.place {
            KeyPersonPlace::Member(user) => (format!("/users/{user}"), false),
            KeyPersonPlace::Invited(_) => ("/users".to_owned(), true),
        };
        let email = person.email.unwrap_or_default();
        Self {
            name: person.name.unwrap_or_else(|| email.clone()),
            email,
            role: person.role.as_str(),
            href,
            is_invited,
        }
    }
}
