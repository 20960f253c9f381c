//! A key may ask what it is: under every prefix that clients use (clients.md 1.6).

mod body;

use axum::extract::State;
use reoclo_api_types::{AclBody, CapabilitiesBody, KeyBody, MeBody};
use reoclo_control::{AnyKey, Authorized, Control};

use crate::answer::Answer;
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
        let about = Doc::new("Who is calling.");
        let gates =
            Doc::new("What a client may check before it asks: nothing, the server decides.");
        let list = Doc::new("What the caller may do now.");
        registrar = registrar
            .get(me, about, show_me)
            .get(capabilities, gates, show_capabilities)
            .get(acl, list, show_acl);
    }
    let doc = Doc::new("What the presented key is and may do.");
    registrar.get("/api/keys/self", doc, show_key)
}

async fn show_me(
    proof: Authorized<AnyKey>,
    State(control): State<Control>,
) -> Result<Answer<MeBody>, ApiError> {
    Ok(Answer(body::me(&control.keys().identify(&proof).await?)))
}

async fn show_capabilities(_: Authorized<AnyKey>) -> Answer<CapabilitiesBody> {
    Answer(CapabilitiesBody::default())
}

async fn show_acl(
    proof: Authorized<AnyKey>,
    State(control): State<Control>,
) -> Result<Answer<AclBody>, ApiError> {
    Ok(Answer(body::acl(&control.keys().identify(&proof).await?)))
}

async fn show_key(
    proof: Authorized<AnyKey>,
    State(control): State<Control>,
) -> Result<Answer<KeyBody>, ApiError> {
    Ok(Answer(body::key(&control.keys().identify(&proof).await?)))
}
