use axum::extract::State;
use axum::response::Response;
use reoclo_control::{Authorized, Control, OwnSession};
use reoclo_http::{ApiError, PageForm, SessionCookie, cookie_of_session};

use crate::page::see_other_with;

/// The home page of the other organization: what was looked at does not exist there.
pub(super) async fn switch_organization(
    proof: Authorized<OwnSession>,
    State(control): State<Control>,
    SessionCookie(token): SessionCookie,
    PageForm(fields): PageForm,
) -> Result<Response, ApiError> {
    let organization = fields.text("organization");
    let signed_in = control
        .sessions()
        .switch_organization(&proof, &token, organization)
        .await?;
    Ok(see_other_with("/", cookie_of_session(&control, &signed_in)))
}
