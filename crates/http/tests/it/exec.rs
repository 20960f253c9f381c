//! The order of the checks of `POST /exec` (rule 9). Running commands is tested with real
//! processes.

use reoclo_domain::{AutomationScope, OperationKind, OperationKinds, Scope};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::World;

const EXEC: &str = "/api/automation/v1/exec";

on_both_databases!(
    a_body_is_not_read_before_the_key_is_checked,
    a_server_of_nobody_and_of_others_is_not_found,
    a_server_out_of_scope_is_refused_before_the_other_fields,
    fields_are_named_before_the_runner_is_asked_for,
    an_offline_runner_is_a_conflict_and_leaves_nothing_behind,
    unknown_fields_are_ignored,
    a_key_with_an_address_list_works_from_there_only,
    an_operation_of_somebody_else_is_not_found,
);

async fn exec_key(world: &World) -> String {
    world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await
        .0
}

fn request(world: &World) -> Value {
    json!({ "server_id": world.ours.server.to_string(), "command": "true" })
}

async fn a_body_is_not_read_before_the_key_is_checked(world: &World) {
    world
        .post(EXEC, None, &json!("nonsense"))
        .await
        .is_error(401, "missing_credentials");
    let (key, _) = world
        .automation_key(&world.ours, &[OperationKind::Deploy])
        .await;
    world
        .post(EXEC, Some(&key), &json!("nonsense"))
        .await
        .is_error(403, "operation_not_allowed");
}

async fn a_server_of_nobody_and_of_others_is_not_found(world: &World) {
    let key = exec_key(world).await;
    for id in [world.theirs.server.to_string(), world.ours.id.to_string()] {
        let body = json!({ "server_id": id, "command": "" });
        world
            .post(EXEC, Some(&key), &body)
            .await
            .is_error(404, "not_found");
    }
    let body = json!({ "server_id": "web-1", "command": "true" });
    let answer = world.post(EXEC, Some(&key), &body).await;
    answer.is_error(422, "invalid_request");
    assert!(answer.body["fields"]["server_id"].is_string());
}

async fn a_server_out_of_scope_is_refused_before_the_other_fields(world: &World) {
    let operations = &[OperationKind::Exec];
    let elsewhere = Scope::Only(vec![world.theirs.server]);
    let (key, _) = world
        .automation_key_for(&world.ours, operations, elsewhere)
        .await;
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "" });
    world
        .post(EXEC, Some(&key), &body)
        .await
        .is_error(403, "server_not_in_scope");
}

async fn fields_are_named_before_the_runner_is_asked_for(world: &World) {
    let key = exec_key(world).await;
    let wrong = [
        ("command", json!("")),
        ("command", json!("a".repeat(8193))),
        ("command", json!("a\0b")),
        ("timeout_seconds", json!(0)),
        ("timeout_seconds", json!(901)),
        ("timeout_seconds", json!("60")),
        ("timeout_seconds", json!(1.5)),
        ("env", json!({ "A=B": "x" })),
        ("env", json!({ "A\0B": "x" })),
        ("env", json!({ "A": "x\0" })),
        ("working_directory", json!("/a\0b")),
        ("run_context", json!({ "sha": "x".repeat(1025) })),
        ("run_id", json!("x".repeat(257))),
    ];
    for (field, value) in wrong {
        let mut body = request(world);
        body[field] = value;
        let answer = world.post(EXEC, Some(&key), &body).await;
        answer.is_error(422, "invalid_request");
        assert!(
            answer.body["detail"].as_str().unwrap().starts_with(field),
            "{}",
            answer.body
        );
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
    let many: serde_json::Map<_, _> = (0..201).map(|n| (format!("V{n}"), json!(""))).collect();
    let mut body = request(world);
    body["env"] = Value::Object(many);
    world
        .post(EXEC, Some(&key), &body)
        .await
        .is_error(422, "invalid_request");
}

async fn an_offline_runner_is_a_conflict_and_leaves_nothing_behind(world: &World) {
    let key = exec_key(world).await;
    world
        .post(EXEC, Some(&key), &request(world))
        .await
        .is_error(409, "server_unreachable");
    assert!(world.store().running_operations().await.unwrap().is_empty());
}

async fn unknown_fields_are_ignored(world: &World) {
    let key = exec_key(world).await;
    let mut body = request(world);
    body["shiny_new_field"] = json!({ "of": "another version" });
    body["run_context"] = json!({ "provider": "cli", "sha": null, "actor": "" });
    world
        .post(EXEC, Some(&key), &body)
        .await
        .is_error(409, "server_unreachable");
}

async fn a_key_with_an_address_list_works_from_there_only(world: &World) {
    let scope = || AutomationScope {
        servers: Scope::All,
        operations: OperationKinds::all(),
        registry_credentials: Scope::All,
    };
    let (here, _) = world
        .automation_key_with(&world.ours, scope(), &["127.0.0.0/8"])
        .await;
    world
        .post(EXEC, Some(&here), &request(world))
        .await
        .is_error(409, "server_unreachable");
    let (there, _) = world
        .automation_key_with(&world.ours, scope(), &["203.0.113.0/24"])
        .await;
    let answer = world.post(EXEC, Some(&there), &request(world)).await;
    answer.is_error(403, "ip_not_allowed");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("127.0.0.1") && !detail.contains("203.0.113"),
        "{detail}"
    );
}

async fn an_operation_of_somebody_else_is_not_found(world: &World) {
    let key = exec_key(world).await;
    for id in ["nonsense", "%ff", &world.ours.server.to_string()] {
        let path = format!("/api/automation/v1/operations/{id}");
        world
            .get(&path, Some(&key))
            .await
            .is_error(404, "not_found");
    }
}
