//! Every route with keys.

use std::time::Duration;

use reoclo_control::{CredentialKind, Requirement};
use reoclo_domain::{KeyKind, OperationKind, PlainToken, Preset, Role, Scope, TokenKind};
use reoclo_testkit::RealEntropy;
use serde_json::json;

use super::{ask, cells, for_keys, guarded, passed};
use crate::on_both_databases;
use crate::world::{World, all_but};

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

/// A key that has everything that its kind can have.
async fn powerful(world: &World, requirement: Requirement) -> (String, reoclo_store::KeyRef) {
    match requirement {
        Requirement::Cell(_) | Requirement::Both(..) | Requirement::AnyKey => {
            world
                .integration_key_of(&world.ours, Preset::FullAccess, world.ours.admin)
                .await
        }
        _ => world.automation_key(&world.ours, &OperationKind::ALL).await,
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
        // Too many of them in a minute would be told to wait.
        world.clock.advance(Duration::from_secs(61));
        for token in &tokens {
            ask(world, route, Some(token))
                .await
                .is_error(401, "invalid_key");
        }
    }
}

async fn an_expired_key_is_refused(world: &World) {
    for (route, requirement) in for_keys(world) {
        let (token, key) = powerful(world, requirement).await;
        world.expire(&world.ours, key).await;
        ask(world, route, Some(&token))
            .await
            .is_error(401, "key_expired");
    }
}

async fn a_revoked_key_is_refused(world: &World) {
    for (route, requirement) in for_keys(world) {
        let (token, key) = powerful(world, requirement).await;
        world.revoke(&world.ours, key).await;
        ask(world, route, Some(&token))
            .await
            .is_error(401, "key_revoked");
    }
}

async fn the_wrong_kind_of_key_is_refused(world: &World) {
    let (integration, _) = world
        .integration_key_of(&world.ours, Preset::FullAccess, world.ours.admin)
        .await;
    let (automation, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let tokens = [
        (KeyKind::Integration, integration),
        (KeyKind::Automation, automation),
    ];
    for (route, requirement) in guarded(world) {
        for (kind, token) in &tokens {
            if !requirement.takes(CredentialKind::Key(*kind)) {
                ask(world, route, Some(token))
                    .await
                    .is_error(403, "wrong_key_type");
            }
        }
    }
}

async fn a_key_that_lacks_just_that_permission_is_refused(world: &World) {
    for (route, requirement) in for_keys(world) {
        match requirement {
            Requirement::Cell(_) | Requirement::Both(..) => {
                for cell in cells(requirement) {
                    let token = world
                        .integration_key(&world.ours, all_but(cell), Role::Admin)
                        .await;
                    let answer = ask(world, route, Some(&token)).await;
                    answer.is_error(403, "permission_denied");
                    assert_eq!(answer.body["missing"], cell.to_string());
                }
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
            _ => {}
        }
    }
}

async fn a_key_with_just_that_permission_passes_the_check(world: &World) {
    for (route, requirement) in for_keys(world) {
        let token = match requirement {
            Requirement::Cell(_) | Requirement::Both(..) => {
                let preset = Preset::Custom(cells(requirement).into_iter().collect());
                world
                    .integration_key(&world.ours, preset, Role::Admin)
                    .await
            }
            Requirement::Operation(kind) => world.automation_key(&world.ours, &[kind]).await.0,
            _ => world.automation_key(&world.ours, &[]).await.0,
        };
        passed(&ask(world, route, Some(&token)).await, route);
    }
}

async fn a_role_that_does_not_grant_it_takes_it_away(world: &World) {
    for (route, requirement) in for_keys(world) {
        let cells = cells(requirement);
        if cells.is_empty() {
            continue;
        }
        for role in Role::ALL {
            let token = world
                .integration_key(&world.ours, Preset::FullAccess, role)
                .await;
            let answer = ask(world, route, Some(&token)).await;
            let refused = answer.code() == "permission_denied";
            let lacks = cells.iter().any(|cell| !role.acl().contains(*cell));
            assert_eq!(refused, lacks, "{role} {}", route.path);
        }
    }
}

async fn a_key_whose_creator_left_has_no_power(world: &World) {
    for (route, requirement) in for_keys(world) {
        let cells = cells(requirement);
        if cells.is_empty() {
            continue;
        }
        let user = world.person(&world.ours, Role::Manager).await;
        let (token, _) = world
            .integration_key_of(&world.ours, Preset::FullAccess, user)
            .await;
        if cells.iter().all(|cell| Role::Manager.acl().contains(*cell)) {
            passed(&ask(world, route, Some(&token)).await, route);
        }
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
    for (route, requirement) in for_keys(world) {
        let body_names_our_server = matches!(requirement, Requirement::Operation(_));
        let names_our_id = body_names_our_server || route.path.contains('{');
        if !names_our_id {
            continue;
        }
        let token = if cells(requirement).is_empty() {
            let all = &OperationKind::ALL;
            world
                .automation_key_for(&world.theirs, all, Scope::All)
                .await
                .0
        } else {
            world
                .integration_key(&world.theirs, Preset::FullAccess, Role::Admin)
                .await
        };
        ask(world, route, Some(&token))
            .await
            .is_error(404, "not_found");
    }
}
