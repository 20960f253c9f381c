//! The order of the checks of `POST /api/servers/{id}/exec`. Running commands is tested with real
//! processes.

use reoclo_domain::{Cell, OperationKind, Preset, Role};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    the_server_goes_by_its_id_or_slug,
    a_server_that_is_not_there_is_not_found,
    fields_are_named_as_the_request_names_them,
    a_body_is_not_read_before_the_key_is_checked,
    unknown_fields_are_ignored,
);

async fn key(world: &World) -> String {
    let cells = Preset::Custom([Cell::SERVERS_EXECUTE].into_iter().collect());
    world
        .integration_key(&world.ours, cells, Role::Manager)
        .await
}

fn path(server: &str) -> String {
    format!("/api/servers/{server}/exec")
}

async fn the_server_goes_by_its_id_or_slug(world: &World) {
    let key = key(world).await;
    let id = world.ours.server.to_string();
    let mcp = format!("/mcp/tenants/{}/servers/{id}/exec", world.ours.id);
    for path in [path(&id), path("web-1"), mcp] {
        let answer = world
            .post(&path, Some(&key), &json!({ "command": "true" }))
            .await;
        answer.is_error(409, "server_unreachable");
    }
    assert!(world.store().running_operations().await.unwrap().is_empty());
}

async fn a_server_that_is_not_there_is_not_found(world: &World) {
    let key = key(world).await;
    let theirs = world.theirs.server.to_string();
    for server in [
        "web-2", "WEB-1", "%00", "%ff", "..%2f..", "a'b", "-", &theirs,
    ] {
        let answer = world
            .post(&path(server), Some(&key), &json!({ "command": "" }))
            .await;
        answer.is_error(404, "not_found");
    }
}

async fn fields_are_named_as_the_request_names_them(world: &World) {
    let key = key(world).await;
    let hostile: [(&str, Value); 12] = [
        ("command", json!("")),
        ("command", json!("a\0b")),
        ("command", json!("a".repeat(8193))),
        ("command", json!(["true"])),
        ("timeout", json!(0)),
        ("timeout", json!(901)),
        ("timeout", json!("60")),
        ("working_directory", json!("a\0b")),
        ("env", json!({ "A=B": "x" })),
        ("env", json!({ "A": "x\0" })),
        ("scope", json!("rootless")),
        ("scope", json!("$(id)")),
    ];
    for (field, value) in hostile {
        let mut body = json!({ "command": "true" });
        body[field] = value;
        let answer = world.post(&path("web-1"), Some(&key), &body).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
}

async fn a_body_is_not_read_before_the_key_is_checked(world: &World) {
    let (automation, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let nonsense = json!("nonsense");
    world
        .post(&path("web-1"), Some(&automation), &nonsense)
        .await
        .is_error(403, "wrong_key_type");
    let developer = world
        .integration_key(&world.ours, Preset::FullAccess, Role::Developer)
        .await;
    let answer = world
        .post(&path("web-1"), Some(&developer), &nonsense)
        .await;
    answer.is_error(403, "permission_denied");
    assert_eq!(answer.body["missing"], "servers:execute");
}

async fn unknown_fields_are_ignored(world: &World) {
    let key = key(world).await;
    let body = json!({ "command": "true", "scope": "host", "shiny": 1, "timeout": 900 });
    world
        .post(&path("web-1"), Some(&key), &body)
        .await
        .is_error(409, "server_unreachable");
}
