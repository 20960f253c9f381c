//! Who, on what, by which client and what for: by names, in the audit log.

use http::Method;
use reoclo_domain::{
    AuditEventId, AutomationScope, Cell, OperationKind, OperationKinds, Preset, Role, Scope,
};
use reoclo_store::{Actor, ActorKind, AuditOutcome, NewAuditEvent, RequestSource, Resource};
use reoclo_testkit::RealEntropy;
use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::operation_event::Event;
use reoclo_wire::proto::{Accepted, Finished};
use serde_json::{Value, json};

use crate::hostile_runner::connect;
use crate::on_both_databases;
use crate::world::{World, all_but, request_with_body};

/// What ours is called.
const SERVER: &str = "web 1 of ours";
const EXEC: &str = "/api/automation/v1/exec";

on_both_databases!(
    keys_and_servers_go_by_name_also_when_they_are_gone,
    rows_of_earlier_versions_have_the_names_that_are_known,
    a_name_is_not_taken_for_somebody_s_address,
    the_source_of_a_client_is_kept,
    a_source_is_cleaned_and_never_a_reason_to_refuse,
    a_refusal_tells_the_route_and_the_server,
    a_row_of_several_refusals_tells_each,
);

/// The log as published clients read it, newest first.
async fn log(world: &World) -> Vec<Value> {
    world.control.write_refused_uses(true).await;
    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    let path = format!("/mcp/tenants/{}/audit-logs?limit=100", world.ours.id);
    let answer = world.get(&path, Some(&key)).await;
    answer.body["items"].as_array().unwrap().clone()
}

fn of<'l>(log: &'l [Value], action: &str) -> &'l Value {
    let found = log.iter().find(|row| row["action"] == action);
    found.unwrap_or_else(|| panic!("no {action}: {log:#?}"))
}

fn ended() -> Vec<Event> {
    let finished = Finished {
        state: State::Completed.into(),
        ..Finished::default()
    };
    vec![
        Event::Accepted(Accepted::default()),
        Event::Finished(finished),
    ]
}

fn asked<'h>(token: &'h str, more: &[(&'h str, &'h str)]) -> Vec<(&'h str, &'h str)> {
    [("authorization", token)]
        .into_iter()
        .chain(more.iter().copied())
        .collect()
}

/// Runs a command with these headers, and answers the operation's id.
async fn run(world: &World, key: &str, headers: &[(&str, &str)]) -> String {
    let token = format!("Bearer {key}");
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    let headers = asked(&token, headers);
    let request = request_with_body(&Method::POST, EXEC, &headers, Some(&body));
    let answer = world.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["operation_id"].as_str().unwrap().to_owned()
}

async fn keys_and_servers_go_by_name_also_when_they_are_gone(world: &World) {
    let _runner = connect(world, ended()).await;
    let (token, key) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let id = run(world, &token, &[]).await;
    let admin = world.session(&world.ours, Role::Admin).await;
    let server = format!("/api/servers/{}", world.ours.server);
    let renamed = json!({ "name": "db-2" });
    let renamed = world
        .ask_as(&admin, &Method::PATCH, &server, Some(&renamed))
        .await;
    assert_eq!(renamed.status, 200, "{}", renamed.body);
    world.revoke(&world.ours, key).await;
    let removed = world.ask_as(&admin, &Method::DELETE, &server, None).await;
    assert!(removed.status.is_success(), "{}", removed.body);

    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    for (name, found) in [("test", 2), ("ada", 0), ("te%25", 0)] {
        let path = format!("/api/audit-logs?actor_id={name}");
        let page = world.get(&path, Some(&key)).await.body;
        assert_eq!(page["total"], found, "{page}");
    }
    let log = log(world).await;
    for action in ["operation.start", "operation.end"] {
        let row = of(&log, action);
        assert_eq!(row["actor_email"], "test", "{row}");
        assert_eq!(row["resource_id"], id.as_str());
        assert_eq!(row["resource_name"], SERVER, "{row}");
        assert_eq!(row["server_name"], SERVER);
        assert_eq!(row["server_id"], world.ours.server.to_string());
    }
    let removed = log.iter().find(|row| row["resource_name"] == "db-2");
    assert!(removed.is_some(), "{log:#?}");
}

/// A row as earlier versions wrote it.
async fn append(world: &World, actor: Actor, resource: Resource, detail: Value) {
    let event = NewAuditEvent {
        id: AuditEventId::new(&*world.clock, &RealEntropy),
        organization: Some(world.ours.id),
        at: world.control.clock().now(),
        actor,
        source: RequestSource::default(),
        action: "yesterday",
        resource,
        outcome: AuditOutcome::Success,
        detail,
    };
    world.store().append_audit(vec![event]).await.unwrap();
}

fn runner(world: &World) -> Actor {
    Actor {
        kind: ActorKind::Runner,
        id: Some(world.ours.server.as_uuid()),
        label: "runner".into(),
    }
}

fn unnamed(kind: &'static str, id: &str) -> Resource {
    Resource {
        kind,
        id: Some(id.to_owned()),
        name: None,
    }
}

async fn rows_of_earlier_versions_have_the_names_that_are_known(world: &World) {
    let (_, key) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let operation = world.operation(&world.ours, key).await.to_string();
    let (server, theirs) = (
        world.ours.server.to_string(),
        world.theirs.server.to_string(),
    );
    append(world, runner(world), unnamed("server", &server), json!({})).await;
    let ends = json!({ "operation": "exec", "server_id": server });
    append(world, runner(world), unnamed("operation", &operation), ends).await;
    let said = json!({ "server_id": server, "server_name": "web as it was" });
    append(world, runner(world), unnamed("operation", &theirs), said).await;
    // What belongs to another organization, or to nobody, has no name here.
    append(world, runner(world), unnamed("server", &theirs), json!({})).await;
    let rows = log(world).await;
    let named: Vec<_> = rows
        .iter()
        .map(|row| [&row["actor_email"], &row["resource_name"]])
        .collect();
    assert_eq!(named[3], [&json!(SERVER), &json!(SERVER)]);
    assert_eq!(named[2], [&json!(SERVER), &json!(SERVER)]);
    assert_eq!(named[1], [&json!("web as it was"), &json!("web as it was")]);
    assert_eq!(named[0], [&json!("runner"), &Value::Null]);
}

async fn a_name_is_not_taken_for_somebody_s_address(world: &World) {
    let address = "ada@people.example";
    let actor = |kind| Actor {
        kind,
        id: Some(world.ours.id.as_uuid()),
        label: address.into(),
    };
    for kind in [
        ActorKind::User,
        ActorKind::AutomationKey,
        ActorKind::IntegrationKey,
    ] {
        append(world, actor(kind), unnamed("organization", "x"), json!({})).await;
    }
    let rows = log(world).await;
    let called: Vec<_> = rows.iter().map(|row| &row["actor_email"]).collect();
    let expected = [
        "ada@people.example (integration key)",
        "ada@people.example (automation key)",
        address,
    ];
    assert_eq!(called, expected);
}

async fn the_source_of_a_client_is_kept(world: &World) {
    let _runner = connect(world, ended()).await;
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let id = run(world, &key, &[("x-reoclo-source", "mcp")]).await;
    let path = format!("/api/automation/v1/operations/{id}");
    let record = world.get(&path, Some(&key)).await.body;
    assert_eq!(record["source"], "mcp");
    let reader = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    let path = format!("/api/operations/{id}");
    assert_eq!(world.get(&path, Some(&reader)).await.body["source"], "mcp");
    let listed = world.get("/api/operations", Some(&reader)).await.body;
    assert_eq!(listed["items"][0]["source"], "mcp");
    let rows = log(world).await;
    for action in ["operation.start", "operation.end"] {
        assert_eq!(of(&rows, action)["source"], "mcp");
    }
    // Of a refusal too.
    let token = format!("Bearer {key}");
    let headers = asked(&token, &[("x-reoclo-source", "mcp")]);
    let refused = request_with_body(&Method::GET, "/api/servers", &headers, None);
    assert_eq!(world.send(refused).await.status, 403);
    assert_eq!(of(&log(world).await, "key.refused")["source"], "mcp");
}

async fn a_source_is_cleaned_and_never_a_reason_to_refuse(world: &World) {
    let _runner = connect(world, ended()).await;
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let long = "x".repeat(5000);
    for (sent, kept) in [
        ("Claude <b>Code</b>", json!("claude-b-code-/b")),
        (long.as_str(), json!("x".repeat(32))),
        (key.as_str(), Value::Null),
        ("https://ada:hunter2@example.com", Value::Null),
        ("", Value::Null),
        (";", Value::Null),
    ] {
        let id = run(world, &key, &[("x-reoclo-source", sent)]).await;
        let path = format!("/api/automation/v1/operations/{id}");
        let record = world.get(&path, Some(&key)).await.body;
        assert_eq!(record["source"], kept, "{sent:.40}");
        assert_eq!(of(&log(world).await, "operation.start")["source"], kept);
    }
}

async fn a_refusal_tells_the_route_and_the_server(world: &World) {
    let without = all_but(Cell::SERVERS_EXECUTE);
    let key = world
        .integration_key(&world.ours, without, Role::Admin)
        .await;
    let path = format!("/api/servers/{}/exec", world.ours.server);
    let answer = world
        .post(&path, Some(&key), &json!({ "command": "true" }))
        .await;
    answer.is_error(403, "permission_denied");
    let rows = log(world).await;
    let detail = &of(&rows, "key.refused")["detail"];
    assert_eq!(detail["method"], "POST");
    assert_eq!(detail["route"], "/api/servers/{id}/exec");
    assert_eq!(detail["permission"], "servers:execute");
    assert_eq!(detail["server_id"], world.ours.server.to_string());
    assert_eq!(detail["server_name"], SERVER);
    assert!(detail["asked"].is_null());

    let scope = AutomationScope {
        servers: Scope::Only(vec![world.theirs.server]),
        operations: OperationKinds::all(),
        registry_credentials: Scope::All,
    };
    let (key, _) = world.automation_key_with(&world.ours, scope, &[]).await;
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    let answer = world.post(&format!("{EXEC}/"), Some(&key), &body).await;
    answer.is_error(403, "server_not_in_scope");
    let rows = log(world).await;
    let detail = &of(&rows, "key.refused")["detail"];
    assert_eq!(
        (&detail["method"], &detail["route"]),
        (&json!("POST"), &json!(EXEC))
    );
    assert_eq!(detail["server_name"], SERVER);

    // A person is told of in the same way, and a server of another organization has no name.
    let viewer = world.session(&world.ours, Role::Viewer).await;
    let theirs = format!("/api/servers/{}", world.theirs.server);
    let answer = world.ask_as(&viewer, &Method::DELETE, &theirs, None).await;
    answer.is_error(403, "permission_denied");
    let rows = log(world).await;
    let detail = &of(&rows, "user.refused")["detail"];
    assert_eq!(detail["method"], "DELETE");
    assert_eq!(detail["route"], "/api/servers/{id}");
    assert!(detail["server_id"].is_null() && detail["server_name"].is_null());
}

async fn a_row_of_several_refusals_tells_each(world: &World) {
    let (key, _) = world
        .automation_key(&world.ours, &[OperationKind::Deploy])
        .await;
    let paths = ["/api/servers", "/api/operations", "/api/servers"];
    for path in paths {
        world
            .get(path, Some(&key))
            .await
            .is_error(403, "wrong_key_type");
    }
    let rows = log(world).await;
    let detail = &of(&rows, "key.refused")["detail"];
    assert_eq!(detail["count"], 3);
    assert_eq!(detail["route"], "/api/servers");
    let asked = detail["asked"].as_array().unwrap();
    let told: Vec<_> = asked
        .iter()
        .map(|one| (&one["route"], &one["count"]))
        .collect();
    let expected = [
        (&json!("/api/servers"), &json!(2)),
        (&json!("/api/operations"), &json!(1)),
    ];
    assert_eq!(told, expected);
}

/// No room and no queue.
#[tokio::test]
async fn a_busy_server_s_refusal_is_in_the_log() {
    let world = World::with(reoclo_testkit::database::sqlite(), |settings| {
        settings.dispatch.operations_per_server = 0;
        settings.dispatch.queued_per_server = 0;
    });
    let world = &world.await;
    let _runner = connect(world, ended()).await;
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    let busy = world.post(EXEC, Some(&key), &body).await;
    busy.is_error(429, "server_busy");
    let rows = log(world).await;
    let detail = &of(&rows, "key.refused")["detail"];
    assert_eq!(detail["code"], "server_busy");
    assert_eq!(detail["route"], EXEC);
    assert_eq!(detail["server_name"], SERVER);
    assert!(world.store().running_operations().await.unwrap().is_empty());
}
