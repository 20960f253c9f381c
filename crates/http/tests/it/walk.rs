//! Every route with every wrong credential (DESIGN rule 7).

use http::Method;
use reoclo_control::Requirement;
use reoclo_domain::{OperationKind, PlainToken, Preset, Role, Scope, TokenKind};
use reoclo_http::Route;
use reoclo_testkit::RealEntropy;
use serde_json::json;

use crate::on_both_databases;
use crate::world::{Answer, World, all_but};

on_both_databases!(
    without_a_credential_nothing_answers,
    a_token_that_is_none_of_ours_is_refused,
    an_expired_key_is_refused,
    a_revoked_key_is_refused,
    the_wrong_kind_of_key_is_refused,
    a_key_that_lacks_just_that_permission_is_refused,
    a_key_with_just_that_permission_passes_the_check,
    a_role_that_does_not_grant_it_takes_it_away,
    a_key_whose_creator_left_has_no_power,
    a_foreign_organizations_key_finds_nothing,
);

fn guarded(world: &World) -> Vec<(&Route, Requirement)> {
    let routes: Vec<_> = world
        .routes
        .iter()
        .filter_map(|route| route.requirement.map(|requirement| (route, requirement)))
        .collect();
    assert!(!routes.is_empty());
    routes
}

/// Asks with ids of our organization and a body that would be accepted.
async fn ask(world: &World, route: &Route, token: Option<&str>) -> Answer {
    let path = route
        .path
        .replace("{operation_id}", &world.ours.server.to_string())
        .replace("{tid}", &world.ours.id.to_string());
    // A new one each time: what may remove it removes it.
    let path = if path.contains("{credential_id}") {
        let id = world.registry_credential(&world.ours).await;
        path.replace("{credential_id}", &id)
    } else {
        path
    };
    assert!(
        !path.contains('{'),
        "the walk does not know an id of {path}"
    );
    let id = world.ours.server.to_string();
    let body = json!({
        "server_id": id, "command": "true", "credential_id": id,
        "name": "test", "registry_type": "ghcr", "registry_url": "127.0.0.2",
        "encrypted_credential": "secret",
    });
    let body = (route.method != Method::GET).then_some(&body);
    world.ask(&route.method, &path, token, body).await
}

/// A key that has everything that its kind can have.
async fn powerful(world: &World, requirement: Requirement) -> (String, reoclo_store::KeyRef) {
    match requirement {
        Requirement::Cell(_) | Requirement::AnyKey => {
            world
                .integration_key_of(&world.ours, Preset::FullAccess, world.ours.admin)
                .await
        }
        Requirement::Operation(_) | Requirement::OwnOperations => {
            world.automation_key(&world.ours, &OperationKind::ALL).await
        }
    }
}

async fn without_a_credential_nothing_answers(world: &World) {
    for (route, _) in guarded(world) {
        ask(world, route, None)
            .await
            .is_error(401, "missing_credentials");
    }
}

async fn a_token_that_is_none_of_ours_is_refused(world: &World) {
    let unknown = |kind| PlainToken::generate(kind, &RealEntropy).expose().to_owned();
    let (real, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let mut mistyped = real.clone();
    let last = mistyped.pop().unwrap();
    mistyped.push(if last == 'a' { 'b' } else { 'a' });
    let mut tokens = vec![String::new(), "x".into(), mistyped, real.to_uppercase()];
    tokens.extend(TokenKind::ALL.map(unknown));
    tokens.push(format!("{real} {real}"));
    for (route, _) in guarded(world) {
        for token in &tokens {
            ask(world, route, Some(token))
                .await
                .is_error(401, "invalid_key");
        }
    }
}

async fn an_expired_key_is_refused(world: &World) {
    for (route, requirement) in guarded(world) {
        let (token, key) = powerful(world, requirement).await;
        world.expire(&world.ours, key).await;
        ask(world, route, Some(&token))
            .await
            .is_error(401, "key_expired");
    }
}

async fn a_revoked_key_is_refused(world: &World) {
    for (route, requirement) in guarded(world) {
        let (token, key) = powerful(world, requirement).await;
        world.revoke(&world.ours, key).await;
        ask(world, route, Some(&token))
            .await
            .is_error(401, "key_revoked");
    }
}

async fn the_wrong_kind_of_key_is_refused(world: &World) {
    for (route, requirement) in guarded(world) {
        if requirement.key_kind().is_none() {
            continue;
        }
        let (token, _) = match requirement {
            Requirement::Cell(_) => world.automation_key(&world.ours, &OperationKind::ALL).await,
            _ => {
                world
                    .integration_key_of(&world.ours, Preset::FullAccess, world.ours.admin)
                    .await
            }
        };
        ask(world, route, Some(&token))
            .await
            .is_error(403, "wrong_key_type");
    }
}

async fn a_key_that_lacks_just_that_permission_is_refused(world: &World) {
    for (route, requirement) in guarded(world) {
        match requirement {
            Requirement::Cell(cell) => {
                let token = world
                    .integration_key(&world.ours, all_but(cell), Role::Admin)
                    .await;
                let answer = ask(world, route, Some(&token)).await;
                answer.is_error(403, "permission_denied");
                assert_eq!(answer.body["missing"], cell.to_string());
            }
            Requirement::Operation(kind) => {
                let others: Vec<_> = OperationKind::ALL
                    .into_iter()
                    .filter(|other| *other != kind)
                    .collect();
                let (token, _) = world.automation_key(&world.ours, &others).await;
                let answer = ask(world, route, Some(&token)).await;
                answer.is_error(403, "operation_not_allowed");
                let names: Vec<_> = others.iter().map(|kind| kind.as_str()).collect();
                assert_eq!(answer.body["allowed_operations"], json!(names));
            }
            Requirement::OwnOperations | Requirement::AnyKey => {}
        }
    }
}

async fn a_key_with_just_that_permission_passes_the_check(world: &World) {
    for (route, requirement) in guarded(world) {
        let token = match requirement {
            Requirement::Cell(cell) => {
                let preset = Preset::Custom([cell].into_iter().collect());
                world
                    .integration_key(&world.ours, preset, Role::Admin)
                    .await
            }
            Requirement::Operation(kind) => world.automation_key(&world.ours, &[kind]).await.0,
            Requirement::OwnOperations | Requirement::AnyKey => {
                world.automation_key(&world.ours, &[]).await.0
            }
        };
        let answer = ask(world, route, Some(&token)).await;
        let status = answer.status.as_u16();
        assert!(
            ![401, 403, 500].contains(&status),
            "{} {}: {}",
            route.method,
            route.path,
            answer.body
        );
    }
}

async fn a_role_that_does_not_grant_it_takes_it_away(world: &World) {
    for (route, requirement) in guarded(world) {
        let Requirement::Cell(cell) = requirement else {
            continue;
        };
        for role in Role::ALL {
            let token = world
                .integration_key(&world.ours, Preset::FullAccess, role)
                .await;
            let answer = ask(world, route, Some(&token)).await;
            let refused = answer.code() == "permission_denied";
            assert_eq!(refused, !role.acl().contains(cell), "{role} {}", route.path);
        }
    }
}

async fn a_key_whose_creator_left_has_no_power(world: &World) {
    for (route, requirement) in guarded(world) {
        let Requirement::Cell(_) = requirement else {
            continue;
        };
        let user = world.person(&world.ours, Role::Manager).await;
        let (token, _) = world
            .integration_key_of(&world.ours, Preset::FullAccess, user)
            .await;
        assert!(ask(world, route, Some(&token)).await.status.is_success());
        world
            .store()
            .set_role(world.ours.id, user, None, Vec::new())
            .await
            .unwrap();
        ask(world, route, Some(&token))
            .await
            .is_error(403, "permission_denied");
    }
}

async fn a_foreign_organizations_key_finds_nothing(world: &World) {
    for (route, requirement) in guarded(world) {
        let body_names_our_server =
            route.method == Method::POST && route.path.starts_with("/api/automation/");
        let names_our_id = body_names_our_server || route.path.contains('{');
        if !names_our_id {
            continue;
        }
        let token = if let Requirement::Cell(_) = requirement {
            world
                .integration_key(&world.theirs, Preset::FullAccess, Role::Admin)
                .await
        } else {
            let all = &OperationKind::ALL;
            world
                .automation_key_for(&world.theirs, all, Scope::All)
                .await
                .0
        };
        ask(world, route, Some(&token))
            .await
            .is_error(404, "not_found");
    }
}
