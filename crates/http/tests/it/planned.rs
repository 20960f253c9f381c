//! Operations that are checked and not run yet.

use reoclo_domain::{OperationKind, Scope};
use serde_json::json;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(after_all_checks_they_say_that_they_are_not_built,);

const PATHS: [&str; 2] = ["deploy", "restart"];

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
