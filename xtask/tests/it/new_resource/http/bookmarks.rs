//! Bookmarks: `/api/bookmarks`, and `/mcp/tenants/{tid}/bookmarks`.

use axum::extract::State;
use http::StatusCode;
use reoclo_api_types::bookmark::{BookmarkBody, BookmarkChangeRequest, NewBookmarkRequest};
use reoclo_control::bookmarks::{Bookmarks, BookmarksRead, BookmarksWrite};
use reoclo_control::{Authorized, Control};

use crate::body::{JsonAnswer, JsonBody};
use crate::error::ApiError;
use crate::path::ItemId;
use crate::registrar::{Doc, Registrar};

const WHAT: &str = "the bookmark";

pub(crate) fn add(registrar: Registrar) -> Registrar {
    let created = Doc::new("Keep a bookmark.").takes::<NewBookmarkRequest>();
    let changed = Doc::new("Change a bookmark.").takes::<BookmarkChangeRequest>();
    registrar
        .tenant_get(
            "/bookmarks",
            Doc::new("List the organization's bookmarks.").answers_list::<BookmarkBody>(),
            list,
        )
        .tenant_post("/bookmarks", created.answers::<BookmarkBody>(201), create)
        .tenant_patch(
            "/bookmarks/{id}",
            changed.answers::<BookmarkBody>(200),
            change,
        )
        .tenant_delete(
            "/bookmarks/{id}",
            Doc::new("Remove a bookmark.").answers_nothing(),
            remove,
        )
}

async fn list(
    proof: Authorized<BookmarksRead>,
    State(control): State<Control>,
) -> Result<JsonAnswer<Vec<BookmarkBody>>, ApiError> {
    let records = Bookmarks::from(&control).list(&proof).await?;
    Ok(JsonAnswer::ok(records.into_iter().map(body).collect()))
}

async fn create(
    proof: Authorized<BookmarksWrite>,
    State(control): State<Control>,
    JsonBody(new): JsonBody<NewBookmarkRequest>,
) -> Result<JsonAnswer<BookmarkBody>, ApiError> {
    let record = Bookmarks::from(&control).create(&proof, new).await?;
    Ok(JsonAnswer(StatusCode::CREATED, body(record)))
}

async fn change(
    proof: Authorized<BookmarksWrite>,
    State(control): State<Control>,
    id: ItemId,
    JsonBody(change): JsonBody<BookmarkChangeRequest>,
) -> Result<JsonAnswer<BookmarkBody>, ApiError> {
    let bookmarks = Bookmarks::from(&control);
    let record = bookmarks.change(&proof, id.parse(WHAT)?, change).await?;
    Ok(JsonAnswer::ok(body(record)))
}

async fn remove(
    proof: Authorized<BookmarksWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<StatusCode, ApiError> {
    let bookmarks = Bookmarks::from(&control);
    bookmarks.remove(&proof, id.parse(WHAT)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn body(record: reoclo_control::bookmarks::BookmarkRecord) -> BookmarkBody {
    BookmarkBody {
        id: record.id.to_string(),
        name: record.name.to_string(),
        description: record.description,
    }
}
