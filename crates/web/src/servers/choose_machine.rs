//! An admin decides which machine a server is.

use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, OrganizationManage};
use reoclo_http::{ApiError, ItemId, PageForm};

use crate::page::see_other;
use crate::shell::Shell;

pub(super) async fn choose(
    proof: Authorized<OrganizationManage>,
    _: Shell,
    State(control): State<Control>,
    ItemId(id): ItemId,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    control
        .servers()
        .choose_machine(&proof, &id, fields.text("keep"))
        .await?;
    Ok(see_other(&format!("/servers/{id}?notice=machine-chosen")))
}
