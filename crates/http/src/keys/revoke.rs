use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use reoclo_control::{Authorized, Control};

use super::{Extras, Nothing, ShowsKeys, key, shown};
use crate::body::{JsonAnswer, OptionalJsonBody};
use crate::error::ApiError;

pub(super) async fn revoke<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
    _: OptionalJsonBody<Nothing>,
) -> Result<JsonAnswer<P::Body>, ApiError> {
    let revoked = control.revoke_key(&proof, key::<P>(id)?).await?;
    Ok(JsonAnswer::ok(shown::<P>(&revoked, Extras::default())?))
}
