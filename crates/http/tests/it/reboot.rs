//! The order of the checks of a reboot. Rebooting is tested with real processes.

use reoclo_domain::{OperationKind, Preset, Role, Scope};
use serde_json::json;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    every_check_comes_before_the_runner_is_asked_for,
    an_integration_key_needs_no_body,
);

const REBOOT: &str = "/api/automation/v1/reboot";

async fn every_check_comes_before_the_runner_is_asked_for(world: &World) {
    let all = &OperationKind::ALL;
    let (key, _) = world.automation_key(&world.ours, all).await;
    let (exec_only, _) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let elsewhere = Scope::Only(vec![world.theirs.server]);
    let (elsewhere, _) = world.automation_key_for(&world.ours, all, elsewhere).await;
    let ours = json!({ "server_id": world.ours.server.to_string(), "timeout_seconds": 1 });
    let theirs = json!({ "server_id": world.theirs.server.to_string() });
    for (key, body, status, code) in [
        (&exec_only, &ours, 403, "operation_not_allowed"),
        (&key, &json!({}), 422, "invalid_request"),
        (&key, &theirs, 404, "not_found"),
        (&elsewhere, &ours, 403, "server_not_in_scope"),
        (&key, &ours, 422, "invalid_request"),
    ] {
        let answer = world.post(REBOOT, Some(key), body).await;
        answer.is_error(status, code);
    }
    let good = json!({ "server_id": world.ours.server.to_string(), "shiny": 1 });
    world
        .post(REBOOT, Some(&key), &good)
        .await
        .is_error(409, "server_unreachable");
    assert!(world.store().running_operations().await.unwrap().is_empty());
}

async fn an_integration_key_needs_no_body(world: &World) {
    let key = world
        .integration_key(&world.ours, Preset::FullAccess, Role::Manager)
        .await;
    let post = &http::Method::POST;
    for server in ["web-1", &world.ours.server.to_string()] {
        let path = format!("/api/servers/{server}/reboot");
        let answer = world.ask(post, &path, Some(&key), None).await;
        answer.is_error(409, "server_unreachable");
    }
    let path = format!("/api/servers/{}/reboot", world.theirs.server);
    let answer = world.ask(post, &path, Some(&key), None).await;
    answer.is_error(404, "not_found");
}
