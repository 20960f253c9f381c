use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::body::json_response;
use crate::public::Public;
use crate::state::AppState;

pub(super) async fn show(_: Public, State(state): State<AppState>) -> Response {
    json_response(StatusCode::OK, state.openapi.clone())
}
