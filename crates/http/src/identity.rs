//! A key may ask what it is: under every prefix that clients use (clients.md 1.6).

mod body;

use axum::extract::State;
use reoclo_api_types::{AclBody, CapabilitiesBody, KeyBody, MeBody};
use reoclo_control::{AnyKey, Authorized, Control};

use crate::body::JsonAnswer;
use crate::error::ApiError;
use crate::registrar::{Doc, Registrar};

/// The prefixes under which clients look for themselves, each with its three routes.
const ROUTES: [[&str; 3]; 3] = [
    [
        "/api/auth/me",
        "/api/auth/me/capabilities",
        "/api/auth/me/acl",
    ],
    [
        "/mcp/auth/me",
        "/mcp/auth/me/capabilities",
        "/mcp/auth/me/acl",
    ],
    [
        "/api/automation/v1/auth/me",
        "/api/automation/v1/auth/me/capabilities",
        "/api/automation/v1/auth/me/acl",
    ],
];

pub(crate) fn add(mut registrar: Registrar) -> Registrar {
    for [me, capabilities, acl] in ROUTES {
        let about = Doc::new("Who is calling.").answers::<MeBody>(200);
        let gates =
            Doc::new("What a client may check before it asks: nothing, the server decides.")
                .answers::<CapabilitiesBody>(200);
        let list = Doc::new("What the caller may do now.").answers::<AclBody>(200);
        registrar = registrar
            .get(me, about, show_me)
            .get(capabilities, gates, show_capabilities)
            .get(acl, list, show_acl);
    }
    let doc = Doc::new("What the presented key is and may do.").answers::<KeyBody>(200);
    registrar.get("/api/keys/self", doc, show_key)
}

async fn show_me(
    proof: Authorized<AnyKey>,
    State(control): State<Control>,
) -> Result<JsonAnswer<MeBody>, ApiError> {
    Ok(JsonAnswer::ok(body::me(
        &control.keys().identify(&proof).await?,
    )))
}

async fn show_capabilities(_: Authorized<AnyKey>) -> JsonAnswer<CapabilitiesBody> {
    JsonAnswer::ok(CapabilitiesBody::default())
}

async fn show_acl(
    proof: Authorized<AnyKey>,
    State(control): State<Control>,
) -> Result<JsonAnswer<AclBody>, ApiError> {
    Ok(JsonAnswer::ok(body::acl(
        &control.keys().identify(&proof).await?,
    )))
}

async fn show_key(
    proof: Authorized<AnyKey>,
    State(control): State<Control>,
) -> Result<JsonAnswer<KeyBody>, ApiError> {
    Ok(JsonAnswer::ok(body::key(
        &control.keys().identify(&proof).await?,
    )))
}
