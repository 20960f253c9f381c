//! Every page, with every wrong way to ask for it.

use http::Method;
use reoclo_control::{CredentialKind, Requirement};
use reoclo_domain::Role;
use reoclo_http::Route;

use crate::on_both_databases;
use crate::world::{Answer, FORM, ORIGIN, Session, World, form};

on_both_databases!(
    who_is_not_signed_in_is_led_to_the_sign_in_page,
    a_key_is_nobody_on_a_page,
    each_role_sees_what_it_may_and_nothing_else,
    a_form_of_another_site_is_refused,
    a_form_without_its_token_is_refused,
    what_is_no_form_is_refused,
    a_foreign_organizations_things_are_not_found,
    who_must_choose_a_password_is_led_to_do_so,
    no_page_can_be_framed_or_kept,
);

/// Whether a route is a page's, and not one that programs ask.
pub(crate) fn is_page(route: &Route) -> bool {
    let programs = [
        "/api/",
        "/mcp",
        "/runner",
        "/healthz",
        "/readyz",
        "/install.sh",
    ];
    !programs.iter().any(|start| route.path.starts_with(start))
}

/// The pages for people who are signed in.
pub(crate) fn pages(world: &World) -> Vec<(&Route, Requirement)> {
    let pages: Vec<_> = world
        .routes
        .iter()
        .filter(|route| is_page(route))
        .filter_map(|route| route.requirement.map(|requirement| (route, requirement)))
        .collect();
    assert!(pages.len() > 30);
    pages
}

/// The page's path with an id of ours.
fn path(world: &World, route: &Route) -> String {
    let ours = &world.ours;
    let id = if route.path.starts_with("/users/") {
        ours.viewer.to_string()
    } else {
        ours.server.to_string()
    };
    route.path.replace("{id}", &id)
}

async fn ask(world: &World, route: &Route, session: Option<&Session>) -> Answer {
    let path = path(world, route);
    if route.method == Method::GET {
        return world.look(session, &path).await;
    }
    let token = session.map_or("", |session| session.csrf.as_str());
    let body = form(&[("csrf_token", token)]);
    world.send(Method::POST, &path, session, &FORM, body).await
}

async fn who_is_not_signed_in_is_led_to_the_sign_in_page(world: &World) {
    for (route, _) in pages(world) {
        let answer = ask(world, route, None).await;
        assert_eq!(answer.status, 303, "{}", route.path);
        assert!(answer.header("location").starts_with("/sign-in"));
    }
}

async fn a_key_is_nobody_on_a_page(world: &World) {
    let admin = world.session(&world.ours, Role::Admin).await;
    let fields = [
        ("label", "x"),
        ("preset", "full_access"),
        ("expires_in", "30d"),
    ];
    let made = world.submit(&admin, "/api-keys/integration", &fields).await;
    let bearer = format!("Bearer {}", made.element("token"));
    for (route, _) in pages(world) {
        let headers = [("authorization", bearer.as_str()), FORM[0], FORM[1]];
        let path = path(world, route);
        let method = route.method.clone();
        let answer = world
            .send(method, &path, None, &headers, String::new())
            .await;
        assert_eq!(answer.status, 303, "{}", route.path);
        assert!(answer.header("location").starts_with("/sign-in"));
    }
}

async fn each_role_sees_what_it_may_and_nothing_else(world: &World) {
    for (route, requirement) in pages(world) {
        assert!(requirement.takes(CredentialKind::Session), "{}", route.path);
        for role in Role::ALL {
            let session = world.session(&world.ours, role).await;
            let answer = ask(world, route, Some(&session)).await;
            if requirement.met_by_role(role) {
                let status = answer.status.as_u16();
                // That takes more than a role: somebody who may has named them.
                let is_refused_later = status == 403 && route.path == "/organizations";
                let passed = ![401, 403, 500].contains(&status) || is_refused_later;
                assert!(passed, "{role} {} {}: {status}", route.method, route.path);
            } else {
                answer.says(403, "This is not yours to do");
            }
        }
    }
}

async fn a_form_of_another_site_is_refused(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    let body = form(&[("csrf_token", &session.csrf)]);
    let foreign: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", ORIGIN), ("origin", "https://evil.example")],
        &[("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
    ];
    for (route, _) in forms(world) {
        for headers in foreign {
            let (path, headers) = (path(world, route), [&FORM[..1], headers].concat());
            let (method, session) = (Method::POST, Some(&session));
            let answer = world
                .send(method, &path, session, &headers, body.clone())
                .await;
            answer.says(403, "did not show that this form came from");
        }
    }
}

async fn a_form_without_its_token_is_refused(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    let other = world.session(&world.ours, Role::Admin).await;
    for (route, _) in forms(world) {
        for token in ["", "x", &other.csrf, &session.token] {
            let path = path(world, route);
            let body = form(&[("csrf_token", token)]);
            // A header is what scripts send: a form's token is among its fields.
            let headers = [FORM[0], FORM[1], ("x-csrf-token", &session.csrf)];
            let (method, session) = (Method::POST, Some(&session));
            let answer = world.send(method, &path, session, &headers, body).await;
            answer.says(403, "did not show that this form came from");
        }
    }
}

async fn what_is_no_form_is_refused(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    for (route, _) in forms(world) {
        for kind in [
            "application/json",
            "multipart/form-data; boundary=x",
            "text/plain",
        ] {
            let body = form(&[("csrf_token", &session.csrf)]);
            let headers = [("content-type", kind), FORM[1]];
            let (path, session) = (path(world, route), Some(&session));
            let answer = world
                .send(Method::POST, &path, session, &headers, body)
                .await;
            assert_eq!(answer.status, 415, "{}", route.path);
        }
    }
}

async fn a_foreign_organizations_things_are_not_found(world: &World) {
    let session = world.session(&world.theirs, Role::Admin).await;
    let admin = world.session(&world.ours, Role::Admin).await;
    for kind in ["integration", "automation"] {
        let fields = [
            ("label", "x"),
            ("name", "x"),
            ("preset", "full_access"),
            ("expires_in", "30d"),
            ("servers", "all"),
            ("operations", "exec"),
        ];
        let made = world
            .submit(&admin, &format!("/api-keys/{kind}"), &fields)
            .await;
        let (_, rest) = made
            .text
            .split_once("<div class=\"actions\"><a class=\"button\" href=\"")
            .unwrap();
        let place = rest.split_once('"').unwrap().0;
        world
            .look(Some(&admin), place)
            .await
            .says(200, "What it may do");
        world
            .look(Some(&session), place)
            .await
            .says(404, "There is nothing here");
        let revoke = format!("{place}/revoke");
        world
            .submit(&session, &revoke, &[])
            .await
            .says(404, "There is nothing here");
    }
    for (route, _) in pages(world) {
        if route.path.contains("{id}") {
            let answer = ask(world, route, Some(&session)).await;
            answer.says(404, "There is nothing here");
        }
    }
}

async fn who_must_choose_a_password_is_led_to_do_so(world: &World) {
    let session = world.newcomer(&world.ours, Role::Admin).await;
    for (route, requirement) in pages(world) {
        if requirement != Requirement::OwnSession {
            ask(world, route, Some(&session))
                .await
                .leads_to("/password");
        }
    }
    let page = world.look(Some(&session), "/password").await;
    page.says(200, "Choose a password");
}

async fn no_page_can_be_framed_or_kept(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    let shown = pages(world)
        .into_iter()
        .map(|(route, _)| path(world, route));
    let public = ["/setup?token=x", "/sign-in", "/nowhere"].map(str::to_owned);
    for path in shown.chain(public) {
        let answer = world.look(Some(&session), &path).await;
        if answer.status.is_redirection() || answer.status == 405 {
            continue;
        }
        if answer
            .header("content-disposition")
            .starts_with("attachment")
        {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            continue;
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let referrer = answer.header("referrer-policy");
        assert!(
            ["same-origin", "strict-origin"].contains(&referrer),
            "{path}"
        );
        for inline in ["<style", " style=", "onclick", "javascript:"] {
            assert!(!answer.text.contains(inline), "{path} has {inline}");
        }
    }
}

fn forms(world: &World) -> Vec<(&Route, Requirement)> {
    let mut routes = pages(world);
    routes.retain(|(route, _)| route.method == Method::POST);
    assert!(routes.len() > 10);
    routes
}
