//! Every route with parameters behind the `?` that its document does not have.

use http::Method;
use reoclo_control::CredentialKind;
use reoclo_domain::{OperationKind, Preset, Role};
use reoclo_http::{Route, document};
use serde_json::Value;

use super::{body, path};
use crate::on_both_databases;
use crate::world::{Answer, Session, World};

on_both_databases!(
    what_a_route_does_not_know_is_refused_by_name,
    published_clients_may_send_what_is_not_known,
    a_value_that_cannot_be_is_refused_by_name,
    whoever_may_not_ask_is_told_that_first,
);

/// Somebody of each kind, who may do everything.
struct Callers {
    person: Session,
    integration: String,
    automation: String,
}

impl Callers {
    async fn of(world: &World) -> Self {
        let full = Preset::FullAccess;
        let (automation, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
        Self {
            person: world.session(&world.ours, Role::Admin).await,
            integration: world.integration_key(&world.ours, full, Role::Admin).await,
            automation,
        }
    }

    async fn ask(&self, world: &World, route: &Route, query: &str) -> Answer {
        let path = format!("{}?{query}", path(world, route).await);
        let body = body(world, route);
        let takes = |kind| route.requirement.is_some_and(|needs| needs.takes(kind));
        if takes(CredentialKind::Session) && !route.path.starts_with("/mcp/") {
            let answer = world.ask_as(&self.person, &route.method, &path, body.as_ref());
            return answer.await;
        }
        let key = route.requirement.map(|needs| match needs.made_for() {
            CredentialKind::Key(reoclo_domain::KeyKind::Automation) => &*self.automation,
            _ => &*self.integration,
        });
        world.ask(&route.method, &path, key, body.as_ref()).await
    }
}

/// The routes of the OpenAPI document.
fn documented(world: &World) -> Vec<&Route> {
    let document: Value = serde_json::from_str(&document(&world.routes)).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let is_meant = |route: &&Route| {
                *route.path == **path && route.method.as_str().eq_ignore_ascii_case(method)
            };
            let route = world.routes.iter().find(is_meant);
            found.push(route.unwrap_or_else(|| panic!("{method} {path} is not served")));
        }
    }
    assert!(found.len() > 50);
    found
}

fn is_published(route: &Route) -> bool {
    ["/mcp/", "/api/automation/v1/"]
        .iter()
        .any(|start| route.path.starts_with(start))
}

async fn what_a_route_does_not_know_is_refused_by_name(world: &World) {
    let callers = Callers::of(world).await;
    let audited = world.store().audit_events(Some(world.ours.id), 0, 1000);
    let audited = audited.await.unwrap().len();
    for route in documented(world) {
        if is_published(route) {
            continue;
        }
        for query in ["nosuch=1", "nosuch", "nosuch=&%00=1"] {
            let answer = callers.ask(world, route, query).await;
            answer.is_error(422, "invalid_request");
            let problem = answer.body["fields"]["nosuch"].as_str().unwrap();
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains("nosuch is not known here"), "{detail}");
            for (known, _) in route.query() {
                assert!(
                    problem.contains(known),
                    "{} {}: {problem}",
                    route.method,
                    route.path
                );
            }
        }
        for (known, _) in route.query() {
            let answer = callers
                .ask(world, route, &format!("{known}=&{known}="))
                .await;
            answer.is_error(422, "invalid_request");
            assert_eq!(answer.body["fields"][known], "must be there only once");
        }
    }
    let events = world.store().audit_events(Some(world.ours.id), 0, 1000);
    assert_eq!(events.await.unwrap().len(), audited, "nothing was done");
}

async fn published_clients_may_send_what_is_not_known(world: &World) {
    let callers = Callers::of(world).await;
    for route in documented(world) {
        if is_published(route) {
            let answer = callers.ask(world, route, "nosuch=1&nosuch=2").await;
            assert!(
                answer.body["fields"]["nosuch"].is_null(),
                "{} {}: {}",
                route.method,
                route.path,
                answer.body
            );
            assert_ne!(answer.status, 500);
        }
    }
}

async fn a_value_that_cannot_be_is_refused_by_name(world: &World) {
    let callers = Callers::of(world).await;
    let server = format!("/api/servers/{}", world.ours.server);
    for (path, name, values) in [
        ("/api/operations", "status", &["nope", "FAILED", "0"][..]),
        ("/api/operations", "operation_type", &["nope"]),
        ("/api/operations", "server_id", &["web-1", "1"]),
        ("/api/operations", "starter", &["ada"]),
        ("/api/operations", "from", &["yesterday", "2024-13-01"]),
        ("/api/operations", "to", &["x"]),
        ("/api/operations", "before", &["x", "1.x"]),
        (
            "/api/operations",
            "limit",
            &["0", "201", "abc", "1.5", "-1", "1e2"],
        ),
        ("/api/operations/daily", "days", &["0", "367", "x"]),
        ("/api/audit-logs", "outcome", &["good"]),
        ("/api/audit-logs", "ip", &["localhost"]),
        ("/api/audit-logs", "key_id", &["x"]),
        ("/api/audit-logs", "page", &["0", "x"]),
        ("/api/audit-logs", "from_date", &["x"]),
        ("/api/integration-keys", "status", &["x"]),
        ("/api/automation-keys", "limit", &["x"]),
        (&format!("{server}/metrics"), "hours", &["abc", "0", "169"]),
        (&format!("{server}/metrics"), "resolution", &["1"]),
        (&format!("{server}/uptime"), "slot_minutes", &["x"]),
    ] {
        for value in values {
            let asked = format!("{path}?{name}={value}");
            let answer = world
                .ask_as(&callers.person, &Method::GET, &asked, None)
                .await;
            answer.is_error(422, "invalid_request");
            assert!(answer.body["fields"][name].is_string(), "{}", answer.body);
        }
    }
}

async fn whoever_may_not_ask_is_told_that_first(world: &World) {
    let path = "/api/servers?nosuch=1";
    world
        .get(path, None)
        .await
        .is_error(401, "missing_credentials");
    let (automation, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let answer = world.get(path, Some(&automation)).await;
    answer.is_error(403, "wrong_key_type");
}
