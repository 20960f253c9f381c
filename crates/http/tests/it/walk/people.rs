//! Every route with sessions.

use http::Method;
use reoclo_control::{CredentialKind, Requirement};
use reoclo_domain::Role;

use super::{ask_as, body, for_people, guarded, passed, path};
use crate::on_both_databases;
use crate::world::{HOST, World, request_with_body};

on_both_databases!(
    a_session_that_was_ended_is_refused,
    a_session_that_is_over_is_refused,
    a_session_of_somebody_who_was_removed_is_refused,
    each_role_passes_where_it_is_enough,
    a_request_of_another_site_is_refused,
    a_foreign_organizations_session_finds_nothing,
    no_session_counts_where_programs_call,
    somebody_with_a_temporary_password_does_nothing_else,
);

async fn a_session_that_was_ended_is_refused(world: &World) {
    for (route, _) in for_people(world) {
        let session = world.session(&world.ours, Role::Admin).await;
        world.sign_out(&session).await;
        ask_as(world, route, &session)
            .await
            .is_error(401, "session_expired");
    }
}

async fn a_session_that_is_over_is_refused(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    world.clock.advance(std::time::Duration::from_hours(10));
    for (route, _) in for_people(world) {
        ask_as(world, route, &session)
            .await
            .is_error(401, "session_expired");
    }
}

async fn a_session_of_somebody_who_was_removed_is_refused(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    world
        .store()
        .set_role(world.ours.id, session.user, None, Vec::new())
        .await
        .unwrap();
    for (route, _) in for_people(world) {
        ask_as(world, route, &session)
            .await
            .is_error(401, "session_expired");
    }
}

async fn each_role_passes_where_it_is_enough(world: &World) {
    for (route, requirement) in for_people(world) {
        for role in Role::ALL {
            let session = world.session(&world.ours, role).await;
            let answer = ask_as(world, route, &session).await;
            match requirement {
                _ if requirement.met_by_role(role) => passed(&answer, route),
                Requirement::Cell(_) | Requirement::Both(..) => {
                    answer.is_error(403, "permission_denied");
                    let missing = requirement.missing_from(role.acl()).unwrap();
                    assert_eq!(answer.body["missing"], missing.to_string());
                }
                _ => answer.is_error(403, "role_insufficient"),
            }
        }
    }
}

/// Only what changes something is refused: an answer to a read cannot be read by another site.
async fn a_request_of_another_site_is_refused(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    let other = world.session(&world.ours, Role::Admin).await;
    let ours = format!("http://{HOST}");
    let foreign: [&[(&str, &str)]; 6] = [
        &[("origin", &ours)],
        &[("origin", &ours), ("x-csrf-token", "x")],
        &[("origin", &ours), ("x-csrf-token", &other.csrf)],
        &[
            ("origin", "https://evil.example"),
            ("x-csrf-token", &session.csrf),
        ],
        &[("origin", "null"), ("x-csrf-token", &session.csrf)],
        &[
            ("sec-fetch-site", "cross-site"),
            ("x-csrf-token", &session.csrf),
        ],
    ];
    for (route, _) in for_people(world) {
        if route.method == Method::GET {
            continue;
        }
        for headers in foreign {
            let request = request_with_body(
                &route.method,
                &path(world, route).await,
                &[&[("cookie", session.cookie().as_str())], headers].concat(),
                body(world, route).as_ref(),
            );
            world.send(request).await.is_error(403, "csrf_failed");
        }
    }
}

async fn a_foreign_organizations_session_finds_nothing(world: &World) {
    let session = world.session(&world.theirs, Role::Admin).await;
    for (route, requirement) in for_people(world) {
        if route.path.contains('{') && requirement != Requirement::OwnSession {
            ask_as(world, route, &session)
                .await
                .is_error(404, "not_found");
        }
    }
}

async fn no_session_counts_where_programs_call(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    for (route, requirement) in guarded(world) {
        let is_for_programs = route.path.starts_with("/mcp/")
            || route.path.starts_with("/api/automation/")
            || route.path.starts_with("/runner/");
        let answer = ask_as(world, route, &session).await;
        if is_for_programs {
            answer.is_error(401, "missing_credentials");
        } else if !requirement.takes(CredentialKind::Session) {
            answer.is_error(403, "wrong_key_type");
        }
    }
}

async fn somebody_with_a_temporary_password_does_nothing_else(world: &World) {
    let user = world.newcomer(&world.ours, Role::Admin).await;
    let session = world.session_of(&world.ours, user).await;
    for (route, requirement) in for_people(world) {
        if requirement != Requirement::OwnSession {
            ask_as(world, route, &session)
                .await
                .is_error(403, "password_change_required");
        }
    }
}
