use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use reoclo_control::{Authorized, Control};

use super::{Extras, ShowsKeys, body, key, people, shown};
use crate::body::JsonAnswer;
use crate::error::ApiError;

pub(super) async fn show<P: ShowsKeys>(
    proof: Authorized<P>,
    State(control): State<Control>,
    id: Result<Path<String>, PathRejection>,
) -> Result<JsonAnswer<P::Body>, ApiError> {
    let key = key::<P>(id)?;
    let found = control.keys().show(&proof, key).await?;
    let extras = Extras {
        usage: Some(found.usage.into_iter().map(body::usage).collect()),
        people: people(&control, &proof, key).await?,
        ..Extras::default()
    };
    Ok(JsonAnswer::ok(shown::<P>(&found.key, extras)?))
}
