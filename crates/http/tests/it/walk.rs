//! Every route with every wrong credential (rule 7).

mod keys;
mod people;
mod query;

use http::Method;
use reoclo_control::{CredentialKind, Requirement};
use reoclo_domain::{Cell, KeyKind};
use reoclo_http::Route;
use serde_json::{Value, json};

use crate::world::{Answer, Session, World};

fn guarded(world: &World) -> Vec<(&Route, Requirement)> {
    let routes: Vec<_> = world
        .routes
        .iter()
        .filter_map(|route| route.requirement.map(|requirement| (route, requirement)))
        .collect();
    assert!(!routes.is_empty());
    routes
}

/// The routes that some key can ask.
fn for_keys(world: &World) -> Vec<(&Route, Requirement)> {
    let kinds = [KeyKind::Integration, KeyKind::Automation].map(CredentialKind::Key);
    let takes_a_key = |requirement: &Requirement| kinds.iter().any(|kind| requirement.takes(*kind));
    let mut routes = guarded(world);
    routes.retain(|(_, requirement)| takes_a_key(requirement));
    routes
}

/// The routes that a person can ask, from a page.
fn for_people(world: &World) -> Vec<(&Route, Requirement)> {
    let mut routes = guarded(world);
    routes.retain(|(route, requirement)| {
        requirement.takes(CredentialKind::Session) && !route.path.starts_with("/mcp/")
    });
    assert!(!routes.is_empty());
    routes
}

/// The cells of the ACL that a route demands.
fn cells(requirement: Requirement) -> Vec<Cell> {
    match requirement {
        Requirement::Cell(cell) => vec![cell],
        Requirement::Both(first, second) => vec![first, second],
        _ => vec![],
    }
}

/// The route's path with ids of our organization.
async fn path(world: &World, route: &Route) -> String {
    let ours = &world.ours;
    let id = if route.path.contains("/users/") {
        ours.viewer.to_string()
    } else if route.path.contains("/integration-keys/") {
        ours.integration_key.to_string()
    } else if route.path.contains("/automation-keys/") {
        ours.automation_key.to_string()
    } else if route.path.contains("/address-sources/") {
        ours.address_source.to_string()
    } else if route.path.contains("/registry-credentials/") {
        ours.registry_credential.to_string()
    } else {
        ours.server.to_string()
    };
    let path = route
        .path
        .replace("{operation_id}", &operation_for(world, route).await)
        .replace("{id}", &id)
        .replace("{tid}", &ours.id.to_string());
    assert!(
        !path.contains('{'),
        "the walk does not know an id of {path}"
    );
    path
}

/// An operation of ours that runs, where the path names one.
async fn operation_for(world: &World, route: &Route) -> String {
    if !route.path.contains("{operation_id}") {
        return String::new();
    }
    let (_, starter) = world.automation_key(&world.ours, &[]).await;
    let operation = world.operation(&world.ours, starter).await;
    if route.method == Method::GET {
        // Following one that runs would go on until its end.
        world.end(operation, b"").await;
    }
    operation.to_string()
}

/// A body that the route takes, with an id of our organization where it takes one.
fn body(world: &World, route: &Route) -> Option<Value> {
    if route.method == Method::GET || route.method == Method::DELETE {
        return None;
    }
    let id = world.ours.server.to_string();
    match &*route.path {
        "/api/users/{id}" => Some(json!({ "role": "developer" })),
        path if path.ends_with("/servers/{id}") => Some(json!({ "slug": "web-2" })),
        path if path.ends_with("/reset-password") || path.ends_with("/link") => None,
        path if path.ends_with("/machine") => Some(json!({ "keep": "another" })),
        path if path.starts_with("/api/address-sources/") => None,
        path if path.contains("-keys/{id}/") => None,
        path if path.contains("/registry-credentials") => Some(json!({
            "name": "test", "registry_type": "private", "registry_url": "127.0.0.2",
            "username": "ada", "password": "secret",
        })),
        _ => Some(json!({ "server_id": id, "command": "true", "credential_id": id })),
    }
}

async fn ask(world: &World, route: &Route, token: Option<&str>) -> Answer {
    let (path, body) = (path(world, route).await, body(world, route));
    world.ask(&route.method, &path, token, body.as_ref()).await
}

async fn ask_as(world: &World, route: &Route, session: &Session) -> Answer {
    let (path, body) = (path(world, route).await, body(world, route));
    world
        .ask_as(session, &route.method, &path, body.as_ref())
        .await
}

/// The check let it through, whatever the route then made of it.
#[track_caller]
fn passed(answer: &Answer, route: &Route) {
    let status = answer.status.as_u16();
    assert!(
        ![401, 403, 500].contains(&status),
        "{} {}: {}",
        route.method,
        route.path,
        answer.body
    );
}
