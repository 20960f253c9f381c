//! Bookmarks: addresses that a team wants at hand.

use reoclo_api_types::bookmark::{BookmarkChangeRequest, NewBookmarkRequest};
use reoclo_domain::{BookmarkId, Cell};
use reoclo_store::Touched;
pub use reoclo_store::bookmarks::BookmarkRecord;
use serde_json::json;

use crate::core::Core;
use crate::edit::settled;
use crate::{Authorized, Control, InvalidFields, Permission, Refusal, Requirement};

const WHAT: &str = "the bookmark";

/// Seeing bookmarks.
#[derive(Clone, Copy, Debug)]
pub enum BookmarksRead {}

impl Permission for BookmarksRead {
    const REQUIREMENT: Requirement = Requirement::Cell(Cell::SERVERS_READ);
}

/// Making, changing and removing bookmarks.
#[derive(Clone, Copy, Debug)]
pub enum BookmarksWrite {}

impl Permission for BookmarksWrite {
    const REQUIREMENT: Requirement = Requirement::Cell(Cell::SERVERS_WRITE);
}

/// The bookmarks of organizations.
#[derive(Clone, Copy, Debug)]
pub struct Bookmarks<'c>(&'c Core);

impl<'c> From<&'c Control> for Bookmarks<'c> {
    fn from(control: &'c Control) -> Self {
        Self(control.core())
    }
}

impl Bookmarks<'_> {
    /// The organization's, by name.
    pub async fn list(
        self,
        proof: &Authorized<BookmarksRead>,
    ) -> Result<Vec<BookmarkRecord>, Refusal> {
        let organization = proof.caller().organization();
        Ok(self.0.store().bookmarks().list(organization).await?)
    }

    /// Keeps one.
    pub async fn create(
        self,
        proof: &Authorized<BookmarksWrite>,
        new: NewBookmarkRequest,
    ) -> Result<BookmarkRecord, Refusal> {
        let (core, now) = (self.0, self.0.now());
        let mut invalid = InvalidFields::default();
        let name = invalid.parse("name", &new.name);
        let description = new.description.and_then(|text| invalid.note(&text));
        let record = BookmarkRecord {
            id: BookmarkId::new(core.clock(), core.entropy()),
            organization: proof.caller().organization(),
            name: invalid.complete(name)?,
            description,
            created_at: now,
            updated_at: Touched::new(now),
        };
        let audit = core.audit(proof.caller(), "bookmark.create");
        let created = core.store().bookmarks().create(record.clone(), None, audit);
        created.await.map_err(Refusal::of_write)?;
        Ok(record)
    }

    /// Changes one; what is absent stays.
    pub async fn change(
        self,
        proof: &Authorized<BookmarksWrite>,
        id: BookmarkId,
        change: BookmarkChangeRequest,
    ) -> Result<BookmarkRecord, Refusal> {
        let rule = move |before: &BookmarkRecord| {
            let mut invalid = InvalidFields::default();
            let name = match &change.name {
                Some(text) => invalid.parse("name", text),
                None => Some(before.name.clone()),
            };
            let description = match &change.description {
                Some(text) => invalid.note(text),
                None => before.description.clone(),
            };
            Ok(BookmarkRecord {
                name: invalid.complete(name)?,
                description,
                ..before.clone()
            })
        };
        let key = (proof.caller().organization(), id);
        let audit = self.0.audit(proof.caller(), "bookmark.update");
        let rows = self.0.store().bookmarks();
        settled(rows.change(key, None, audit, rule).await, WHAT)
    }

    /// Removes one.
    pub async fn remove(
        self,
        proof: &Authorized<BookmarksWrite>,
        id: BookmarkId,
    ) -> Result<(), Refusal> {
        let told = |record: &BookmarkRecord| Ok(json!({ "description": record.description }));
        let key = (proof.caller().organization(), id);
        let audit = self.0.audit(proof.caller(), "bookmark.delete");
        let rows = self.0.store().bookmarks();
        settled(rows.remove(key, audit, told).await, WHAT).map(drop)
    }
}
