//! Which chain an event belongs to.

use std::fmt;
use std::str::FromStr;

use reoclo_domain::{OrganizationId, ParseIdError};

/// A chain of audit rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// What belongs to no organization.
    Instance,
    /// One organization's events.
    Organization(OrganizationId),
}

const INSTANCE: &str = "instance";

impl Chain {
    /// The chain of an organization, or with `None` the instance's.
    pub fn of(organization: Option<OrganizationId>) -> Self {
        organization.map_or(Self::Instance, Self::Organization)
    }

    /// The organization whose chain it is.
    pub fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::Instance => None,
            Self::Organization(id) => Some(id),
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance => f.write_str(INSTANCE),
            Self::Organization(id) => fmt::Display::fmt(id, f),
        }
    }
}

impl FromStr for Chain {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text {
            INSTANCE => Ok(Self::Instance),
            id => id.parse().map(Self::Organization),
        }
    }
}
