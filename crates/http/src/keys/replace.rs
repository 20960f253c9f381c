use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use reoclo_control::{Authorized, Control};

use super::{Extras, Nothing, ShowsKeys, created_with, key, people};
use crate::body::{JsonAnswer, OptionalJsonBody};
use crate::error::ApiError;

pub(super) async fn replace<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
    _: OptionalJsonBody<Nothing>,
) -> Result<JsonAnswer<P::Body>, ApiError> {
    let key = key::<P>(id)?;
    let minted = control.keys().replace(&proof, key, None).await?;
    let extras = Extras {
        people: people(&control, &proof, key).await?,
        ..Extras::default()
    };
    created_with::<P>(minted, extras)
}
