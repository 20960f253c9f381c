use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, ServersExecute};
use reoclo_domain::OperationId;
use reoclo_http::{ApiError, ItemId, PageForm};

use crate::page::see_other;

pub(super) async fn cancel(
    proof: Authorized<ServersExecute>,
    State(control): State<Control>,
    id: ItemId,
    PageForm(_): PageForm,
) -> Result<Response, ApiError> {
    let id: OperationId = id.parse("the operation")?;
    control.operations().cancel(&proof, id).await?;
    Ok(see_other(&format!(
        "/operations/{id}?notice=operation-cancelled"
    )))
}
