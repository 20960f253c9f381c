use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, OwnSession};
use reoclo_http::{ApiError, PageForm, cookie_of_nobody};

use crate::page::see_other_with;

pub(super) async fn sign_out(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let everywhere = fields.is_set("everywhere");
    control.sessions().sign_out(&proof, everywhere).await?;
    let next = if everywhere {
        "/sign-in?notice=signed-out-everywhere"
    } else {
        "/sign-in?notice=signed-out"
    };
    Ok(see_other_with(next, cookie_of_nobody(&control)))
}
