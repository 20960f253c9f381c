//! Bookmarks on the wire.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A bookmark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BookmarkBody {
    /// The id that item routes take.
    pub id: String,
    /// The name that a person gave it.
    pub name: String,
    /// What people noted about it.
    pub description: Option<String>,
}

/// A bookmark to keep.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBookmarkRequest {
    /// 1 to 100 characters.
    pub name: String,
    /// At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Changes of a bookmark; what is absent stays.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookmarkChangeRequest {
    /// 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At most 500 characters; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}
