//! A request is answered for one caller, who is looked up once.

use std::collections::BTreeMap;

use http::Method;
use reoclo_control::CredentialKind;
use reoclo_domain::Role;
use reoclo_http::Route;
use reoclo_testkit::Statements;

use crate::operations::{begun, viewer};
use crate::walk::pages;
use crate::world::{Answer, FORM, Session, World, form};

/// What only the look at a session says.
const SESSION_QUERY: &str = "FROM sessions JOIN users";

/// Something of each kind that a page is about, by the start of its page's path.
async fn things(world: &World) -> BTreeMap<&'static str, String> {
    let admin = world.session(&world.ours, Role::Admin).await;
    let operation = begun(world, viewer(world), None).await;
    let key = [
        ("label", "x"),
        ("name", "x"),
        ("preset", "full_access"),
        ("expires_in", "30d"),
        ("servers", "all"),
        ("operations", "exec"),
    ];
    let key = &key[..];
    let credential = [
        ("registry_type", "private"),
        ("registry_url", "https://registry.example"),
        ("name", "x"),
        ("username", "x"),
        ("secret", "x"),
    ];
    let mut things = BTreeMap::from([
        ("/servers/", world.ours.server.to_string()),
        ("/users/", world.ours.viewer.to_string()),
        ("/operations/", operation.to_string()),
    ]);
    for (start, list, fields) in [
        ("/api-keys/integration/", "/api-keys/integration", key),
        ("/api-keys/automation/", "/api-keys/automation", key),
        (
            "/registry-credentials/",
            "/registry-credentials",
            &credential,
        ),
    ] {
        let made = world.submit(&admin, list, fields).await;
        assert!(
            made.status.is_success() || made.status == 303,
            "{}",
            made.text
        );
        let shown = world.look(Some(&admin), list).await.text;
        // The first link that goes on with an id.
        let link = format!("href=\"{start}");
        let links = shown.split(&link).skip(1);
        let mut ids = links.map(|rest| rest.split(['"', '/', '?']).next().unwrap());
        let id = ids.find(|id| id.len() == 36).unwrap();
        things.insert(start, id.to_owned());
    }
    things
}

fn place(things: &BTreeMap<&'static str, String>, route: &Route) -> Option<String> {
    if !route.path.contains("{id}") {
        return Some(route.path.to_string());
    }
    let mut things = things.iter();
    let (_, id) = things.find(|(start, _)| route.path.starts_with(**start))?;
    Some(route.path.replace("{id}", id))
}

async fn ask(world: &World, method: &Method, path: &str, session: &Session) -> Answer {
    if method == Method::GET {
        return world.look(Some(session), path).await;
    }
    let body = form(&[("csrf_token", &session.csrf)]);
    let method = method.clone();
    world.send(method, path, Some(session), &FORM, body).await
}

/// How often sessions were looked up for what this does.
async fn looks<T>(statements: &Statements, doing: impl Future<Output = T>) -> (usize, T) {
    let before = statements.count_of(SESSION_QUERY);
    let done = doing.await;
    (statements.count_of(SESSION_QUERY) - before, done)
}

#[tokio::test]
async fn a_page_looks_once_who_asks_on_postgres() {
    let (world, statements) = World::read_by_us().await;
    let things = things(&world).await;
    let mut shown = 0;
    for role in Role::ALL {
        let session = world.session(&world.ours, role).await;
        let gets = pages(&world).into_iter();
        for (route, requirement) in gets.filter(|(route, _)| route.method == Method::GET) {
            let path = place(&things, route).unwrap();
            let asking = ask(&world, &route.method, &path, &session);
            let (looks, answer) = looks(&statements, asking).await;
            assert_eq!(looks, 1, "{role} {path}: {}", answer.status);
            // It is about something that is there, though developers see their own keys alone.
            let is_shown = answer.status == 200 || answer.status == 303;
            let hides = role == Role::Developer && answer.status == 404;
            let may = requirement.met_by_role(role);
            assert_eq!(is_shown || hides, may, "{role} {path}: {}", answer.status);
            shown += usize::from(is_shown);
        }
    }
    assert!(shown > 100, "{shown}");
}

#[tokio::test]
async fn a_form_looks_once_who_sends_it_on_postgres() {
    let (world, statements) = World::read_by_us().await;
    let things = things(&world).await;
    let posts = pages(&world).into_iter();
    for (route, _) in posts.filter(|(route, _)| route.method == Method::POST) {
        for role in [Role::Viewer, Role::Admin] {
            let session = world.session(&world.ours, role).await;
            // What an earlier form took away is not found, and that is a page as well.
            let path = place(&things, route).unwrap_or_else(|| route.path.replace("{id}", "x"));
            let asking = ask(&world, &route.method, &path, &session);
            let (looks, answer) = looks(&statements, asking).await;
            assert_eq!(looks, 1, "{role} POST {path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_looks_once_who_asks_on_postgres() {
    let (world, statements) = World::read_by_us().await;
    let session = world.session(&world.ours, Role::Viewer).await;
    let theirs = format!("/servers/{}", world.theirs.server);
    for path in ["/nowhere", &theirs, "/servers/new"] {
        let (looks, answer) = looks(&statements, world.look(Some(&session), path)).await;
        assert!(answer.status.is_client_error(), "{path}");
        // The frame of somebody who is signed in.
        answer.says(answer.status.as_u16(), "Grace");
        assert_eq!(looks, 1, "{path}");
    }
    // Two lines of the one cookie are one session.
    let cookie = format!("reoclo_session={}", session.token);
    let twice = [("cookie", cookie.as_str())];
    let looking = world.send(Method::GET, "/", Some(&session), &twice, String::new());
    let (looks, answer) = looks(&statements, looking).await;
    assert_eq!((looks, answer.status.as_u16()), (1, 200));
}

#[tokio::test]
async fn the_api_looks_once_who_asks_on_postgres() {
    let (world, statements) = World::read_by_us().await;
    let session = world.session(&world.ours, Role::Admin).await;
    let asked = world.routes.iter().filter(|route| {
        let demanded = route.requirement;
        let takes_sessions = demanded.is_some_and(|needed| needed.takes(CredentialKind::Session));
        let is_api = route.path.starts_with("/api/") && !route.path.contains('{');
        route.method == Method::GET && takes_sessions && is_api
    });
    let mut count = 0;
    for route in asked {
        let (looks, answer) = looks(&statements, world.look(Some(&session), &route.path)).await;
        let path = &route.path;
        assert_eq!((looks, answer.status.as_u16()), (1, 200), "{path}");
        count += 1;
    }
    assert!(count > 8, "{count}");
}
