//! Bookmarks: addresses that a team wants at hand.

use reoclo_domain::{BookmarkId, DisplayName, OrganizationId, Timestamp};

use crate::rows::Rows;
use crate::sql::Touched;
use crate::store::Store;
use crate::table::table;

table! { "bookmarks", "bookmark" by (OrganizationId, BookmarkId) =>
    /// A bookmark.
    pub struct BookmarkRecord {
        /// Its id.
        pub id: BookmarkId,
        /// The organization it belongs to.
        pub organization: OrganizationId = "organization_id",
        /// Its name, which no other of the organization's has.
        pub name: DisplayName,
        /// What people noted about it.
        pub description: Option<String>,
        /// When it was made.
        pub created_at: Timestamp,
        /// When it was last changed.
        pub updated_at: Touched,
    }
}

impl Store {
    /// Addresses that teams want at hand.
    pub fn bookmarks(&self) -> Rows<'_, BookmarkRecord, BookmarkId> {
        self.rows()
    }
}
