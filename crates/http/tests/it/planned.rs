//! Operations that are checked and not run yet.

use reoclo_domain::{AutomationScope, OperationKind, OperationKinds, Scope};
use serde_json::json;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    after_all_checks_they_say_that_they_are_not_built,
    a_credential_that_is_not_there_is_not_found,
    a_key_with_listed_credentials_brings_none_of_its_own,
);

const PATHS: [&str; 4] = [
    "deploy",
    "restart",
    "registry-auth/login-direct",
    "registry-auth/logout",
];

async fn after_all_checks_they_say_that_they_are_not_built(world: &World) {
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let (elsewhere, _) = world
        .automation_key_for(
            &world.ours,
            &OperationKind::ALL,
            Scope::Only(vec![world.theirs.server]),
        )
        .await;
    for path in PATHS {
        let path = format!("/api/automation/v1/{path}");
        let ours = json!({ "server_id": world.ours.server.to_string(), "run_context": {} });
        let theirs = json!({ "server_id": world.theirs.server.to_string() });
        world
            .post(&path, Some(&key), &ours)
            .await
            .is_error(501, "not_implemented");
        world
            .post(&path, Some(&key), &theirs)
            .await
            .is_error(404, "not_found");
        world
            .post(&path, Some(&elsewhere), &ours)
            .await
            .is_error(403, "server_not_in_scope");
        world
            .post(&path, Some(&key), &json!({}))
            .await
            .is_error(422, "invalid_request");
    }
}

async fn a_credential_that_is_not_there_is_not_found(world: &World) {
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let path = "/api/automation/v1/registry-auth/login";
    let server_id = world.ours.server.to_string();
    let unknown = json!({ "server_id": server_id, "credential_id": world.ours.id.to_string() });
    world
        .post(path, Some(&key), &unknown)
        .await
        .is_error(404, "not_found");
    for wrong in [
        json!({ "server_id": server_id }),
        json!({ "server_id": server_id, "credential_id": "x" }),
    ] {
        let answer = world.post(path, Some(&key), &wrong).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"]["credential_id"].is_string());
    }
}

async fn a_key_with_listed_credentials_brings_none_of_its_own(world: &World) {
    let scope = AutomationScope {
        servers: Scope::All,
        operations: OperationKinds::all(),
        registry_credentials: Scope::Only(Vec::new()),
    };
    let (key, _) = world.automation_key_with(&world.ours, scope, &[]).await;
    let body = json!({ "server_id": world.ours.server.to_string() });
    let path = "/api/automation/v1/registry-auth/login-direct";
    world
        .post(path, Some(&key), &body)
        .await
        .is_error(403, "credential_not_in_scope");
}
