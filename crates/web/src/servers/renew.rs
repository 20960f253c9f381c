//! A new install command for a server that still waits for its runner.

use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, ServersWrite};
use reoclo_http::{ApiError, ItemId, PageForm};

use super::add::waiting_page;
use crate::shell::Shell;

pub(super) async fn renew(
    proof: Authorized<ServersWrite>,
    shell: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    let (renewed, record) = control.renew_own_enrolment(&proof, &id).await?;
    Ok(waiting_page(shell, &control, renewed, record, false))
}
