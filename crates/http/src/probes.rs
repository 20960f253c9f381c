//! `/healthz` and `/readyz`, for whatever watches the process.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_api_types::{Health, Readiness};
use reoclo_control::Control;

use crate::answer::Answer;
use crate::body::JsonAnswer;
use crate::public::Public;
use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .unlisted_get("/healthz", Doc::new("The process answers."), health)
        .unlisted_get("/readyz", Doc::new("Requests can be served."), ready)
}

async fn health(_: Public) -> Answer<Health> {
    let status = "ok".into();
    Answer(Health { status })
}

/// 503 while the database takes no change or the process is stopping. Strangers are told nothing
/// else.
async fn ready(_: Public, State(control): State<Control>) -> Response {
    let (code, status) = if control.ready().await {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let status = status.into();
    JsonAnswer(code, Readiness { status }).into_response()
}
