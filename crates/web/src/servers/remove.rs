use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use reoclo_control::{Authorized, Control, ServerRecord, ServersRead, ServersWrite};
use reoclo_http::{ApiError, ItemId, PageForm};

use crate::page::{Page, see_other};
use crate::shell::Shell;

#[derive(Template)]
#[template(path = "servers/remove.html")]
struct Decommission {
    server: ServerRecord,
    shell: Shell,
}

pub(super) async fn confirm(
    _: Authorized<ServersWrite>,
    read: Authorized<ServersRead>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
) -> Result<Response, ApiError> {
    let server = control.servers().show(&read, &id).await?;
    Ok(Page::ok(Decommission { server, shell }).into_response())
}

pub(super) async fn remove(
    proof: Authorized<ServersWrite>,
    State(control): State<Control>,
    ItemId(id): ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    control.servers().remove(&proof, &id).await?;
    Ok(see_other("/servers?notice=server-decommissioned"))
}
