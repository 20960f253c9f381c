//! Roles of people in an organization.

use std::fmt;
use std::str::FromStr;

use crate::{Acl, Action, Cell, Resource};

/// A person's role in one organization, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads everything; has no keys.
    Viewer,
    /// Reads everything, works on applications, has integration keys.
    Developer,
    /// Everything but managing people.
    Manager,
    /// Everything.
    Admin,
}

/// The text names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a role: use admin, manager, developer or viewer")]
pub struct UnknownRole;

impl Role {
    /// Every role, weakest first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Developer, Self::Manager, Self::Admin];

    /// The role's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// The cells that the role grants.
    pub fn acl(self) -> Acl {
        let reads = Acl::all_reads();
        match self {
            Self::Admin => Acl::all(),
            Self::Manager => Acl::all().without(Cell::USERS_WRITE),
            Self::Developer => reads
                .with(Cell::APPLICATIONS_WRITE)
                .with(Cell::APPLICATIONS_EXECUTE)
                .with(Cell::ENV_VARS_WRITE),
            Self::Viewer => reads,
        }
    }

    /// Whether the role grants `action` on `resource`.
    pub fn may(self, resource: Resource, action: Action) -> bool {
        Cell::new(resource, action).is_some_and(|cell| self.acl().contains(cell))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stronger_role_grants_all_that_a_weaker_one_does() {
        for pair in Role::ALL.windows(2) {
            assert_eq!(pair[0].acl().intersect(pair[1].acl()), pair[0].acl());
        }
    }

    #[test]
    fn only_an_admin_writes_users() {
        assert!(Role::Admin.may(Resource::Users, Action::Write));
        assert!(!Role::Manager.may(Resource::Users, Action::Write));
    }

    #[test]
    fn names_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert_eq!("root".parse::<Role>(), Err(UnknownRole));
    }
}
