//! Bookmarks: `/api/bookmarks`, and `/mcp/tenants/{tid}/bookmarks`.

use axum::extract::State;
use reoclo_api_types::bookmark::{BookmarkBody, BookmarkChangeRequest, NewBookmarkRequest};
use reoclo_control::bookmarks::{Bookmarks, BookmarksRead, BookmarksWrite};
use reoclo_control::{Authorized, Control};

use crate::answer::{Answer, Created, List, NoContent};
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::path::ItemId;
use crate::registrar::{Doc, Registrar};

const WHAT: &str = "the bookmark";

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .tenant_get(
            "/bookmarks",
            Doc::new("List the organization's bookmarks."),
            list,
        )
        .tenant_post("/bookmarks", Doc::new("Keep a bookmark."), create)
        .tenant_patch("/bookmarks/{id}", Doc::new("Change a bookmark."), change)
        .tenant_delete("/bookmarks/{id}", Doc::new("Remove a bookmark."), remove)
}

async fn list(
    proof: Authorized<BookmarksRead>,
    State(control): State<Control>,
) -> Result<List<BookmarkBody>, ApiError> {
    let records = Bookmarks::from(&control).list(&proof).await?;
    Ok(List(records.into_iter().map(body).collect()))
}

async fn create(
    proof: Authorized<BookmarksWrite>,
    State(control): State<Control>,
    JsonBody(new): JsonBody<NewBookmarkRequest>,
) -> Result<Created<BookmarkBody>, ApiError> {
    let record = Bookmarks::from(&control).create(&proof, new).await?;
    Ok(Created(body(record)))
}

async fn change(
    proof: Authorized<BookmarksWrite>,
    State(control): State<Control>,
    id: ItemId,
    JsonBody(change): JsonBody<BookmarkChangeRequest>,
) -> Result<Answer<BookmarkBody>, ApiError> {
    let bookmarks = Bookmarks::from(&control);
    let record = bookmarks.change(&proof, id.parse(WHAT)?, change).await?;
    Ok(Answer(body(record)))
}

async fn remove(
    proof: Authorized<BookmarksWrite>,
    State(control): State<Control>,
    id: ItemId,
) -> Result<NoContent, ApiError> {
    let bookmarks = Bookmarks::from(&control);
    bookmarks.remove(&proof, id.parse(WHAT)?).await?;
    Ok(NoContent)
}

fn body(record: reoclo_control::bookmarks::BookmarkRecord) -> BookmarkBody {
    BookmarkBody {
        id: record.id.to_string(),
        name: record.name.to_string(),
        description: record.description,
    }
}
