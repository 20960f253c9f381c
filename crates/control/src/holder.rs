//! Who holds a credential that is known.

use reoclo_domain::{OrganizationId, UserId};
use reoclo_store::{KeyRecord, KeyRef};

/// Who can be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A key that was found by its token.
    Key(KeyRef),
    /// A signed-in person.
    Person(UserId),
}

/// A holder of a credential that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownHolder<'a> {
    pub(crate) organization: OrganizationId,
    pub(crate) holder: Holder,
    pub(crate) label: &'a str,
}

impl<'a> From<&'a KeyRecord> for KnownHolder<'a> {
    fn from(record: &'a KeyRecord) -> Self {
        Self {
            organization: record.organization(),
            holder: Holder::Key(record.key_ref()),
            label: record.label(),
        }
    }
}
