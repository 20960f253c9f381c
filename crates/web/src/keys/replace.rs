//! Revoking a key for one in its place, after a page that says what will stop.

use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, ServersRead};
use reoclo_http::{ApiError, ItemId, PageForm};

use super::create::once;
use super::created::{self, Occasion};
use super::revoke::confirm;
use super::{KeyPages, key};
use crate::shell::Shell;

pub(super) async fn show<P: KeyPages>(
    proof: Authorized<P>,
    servers: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
) -> Result<Response, ApiError> {
    confirm(&proof, &servers, shell, &control, &id, true).await
}

pub(super) async fn replace<P: KeyPages>(
    proof: Authorized<P>,
    servers: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    id: ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    if let Some(page) = created::before(&shell, &control, &proof, &fields).await? {
        return Ok(page);
    }
    let keys = control.keys();
    let replaced = keys.replace(&proof, key::<P>(&id)?, once(&fields));
    let minted = replaced.await;
    created::answer(
        shell,
        &control,
        &proof,
        &servers,
        &fields,
        minted,
        Occasion::Replaced,
    )
    .await
}
