//! `/healthz` and `/readyz`, for whatever watches the process.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use reoclo_api_types::{Health, Readiness};
use reoclo_control::Control;

use crate::body::JsonAnswer;
use crate::public::Public;
use crate::registrar::{Doc, Registrar};

pub(crate) fn add(registrar: Registrar) -> Registrar {
    registrar
        .get(
            "/healthz",
            Doc::new("The process answers.").answers::<Health>(200),
            health,
        )
        .get(
            "/readyz",
            Doc::new("Requests can be served.").answers::<Readiness>(200),
            ready,
        )
}

async fn health(_: Public) -> JsonAnswer<Health> {
    let version = env!("CARGO_PKG_VERSION").into();
    JsonAnswer::ok(Health {
        status: "ok".into(),
        version,
    })
}

/// 503 while the database does not answer or the process is stopping.
async fn ready(_: Public, State(control): State<Control>) -> Response {
    let connected_runners = control.statistics().connected_runners;
    let answer = |code, status: &str| {
        JsonAnswer(
            code,
            Readiness {
                status: status.into(),
                connected_runners,
            },
        )
        .into_response()
    };
    if control.ready().await {
        answer(StatusCode::OK, "ready")
    } else {
        answer(StatusCode::SERVICE_UNAVAILABLE, "not ready")
    }
}
