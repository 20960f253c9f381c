//! Two organizations that know nothing of each other.

use reoclo_domain::{OperationKind, Preset, Role};
use reoclo_store::KeyRef;
use serde_json::json;

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    ids_of_one_are_unknown_to_the_other,
    a_revoked_key_stops_at_once_and_others_go_on,
);

async fn ids_of_one_are_unknown_to_the_other(world: &World) {
    let (key, _) = world
        .automation_key(&world.theirs, &OperationKind::ALL)
        .await;
    let foreign = [
        world.ours.server.to_string(),
        world.ours.id.to_string(),
        world.ours.admin.to_string(),
    ];
    for id in foreign {
        let body = json!({ "server_id": id, "command": "true" });
        let exec = world
            .post("/api/automation/v1/exec", Some(&key), &body)
            .await;
        exec.is_error(404, "not_found");
        let path = format!("/api/automation/v1/operations/{id}");
        world
            .get(&path, Some(&key))
            .await
            .is_error(404, "not_found");
    }
}

async fn a_revoked_key_stops_at_once_and_others_go_on(world: &World) {
    let admin = world.ours.admin;
    let (stays, _) = world
        .integration_key_of(&world.ours, Preset::ReadOnly, admin)
        .await;
    let (goes, id): (String, KeyRef) = world
        .integration_key_of(&world.ours, Preset::ReadOnly, admin)
        .await;
    let theirs = world
        .integration_key(&world.theirs, Preset::ReadOnly, Role::Admin)
        .await;
    assert_eq!(world.get("/api/servers", Some(&goes)).await.status, 200);
    // Nobody of another organization can revoke it.
    let now = world.control.clock().now();
    assert!(
        !world
            .store()
            .revoke_key(world.theirs.id, id, now, Vec::new())
            .await
            .unwrap()
    );
    assert_eq!(world.get("/api/servers", Some(&goes)).await.status, 200);
    world.revoke(&world.ours, id).await;
    world
        .get("/api/servers", Some(&goes))
        .await
        .is_error(401, "key_revoked");
    for key in [stays, theirs] {
        assert_eq!(world.get("/api/servers", Some(&key)).await.status, 200);
    }
}
