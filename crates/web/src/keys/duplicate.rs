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
    let minted = match duplicated.await {
        Ok(minted) => minted,
        Err(refusal) => {
            let page = created::before(&shell, &control, &proof, &fields).await?;
            return page.ok_or_else(|| refusal.into());
        }
    };
    let servers = control.servers().list(&servers).await?;
    let occasion = Occasion::Duplicated;
    Ok(created::show::<P>(
        shell, &control, &minted, occasion, &servers,
    ))
}
