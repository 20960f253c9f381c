use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use reoclo_control::{Authorized, Control};

use super::{Nothing, ShowsKeys, created, key};
use crate::body::{JsonAnswer, OptionalJsonBody};
use crate::error::ApiError;

pub(super) async fn duplicate<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
    _: OptionalJsonBody<Nothing>,
) -> Result<JsonAnswer<P::Body>, ApiError> {
    created::<P>(
        control
            .keys()
            .duplicate(&proof, key::<P>(id)?, None)
            .await?,
    )
}
