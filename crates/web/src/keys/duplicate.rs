//! Making a key like another one.

use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, ServersRead};
use reoclo_http::{ApiError, ItemId, PageForm};

use super::create::once;
use super::created::{self, Occasion};
use super::{KeyPages, key};
use crate::shell::Shell;

pub(super) async fn duplicate<P: KeyPages>(
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
    let duplicated = keys.duplicate(&proof, key::<P>(&id)?, once(&fields));
    let minted = duplicated.await;
    created::answer(
        shell,
        &control,
        &proof,
        &servers,
        &fields,
        minted,
        Occasion::Duplicated,
    )
    .await
}
