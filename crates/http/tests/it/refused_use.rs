//! Refused uses of known keys in the audit log.

use std::time::Duration;

use reoclo_domain::{AutomationScope, OperationKind, OperationKinds, Preset, Role, Scope};
use reoclo_store::{ActorKind, AuditOutcome, AuditRow};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Organization, World, all_but};

const EXEC: &str = "/api/automation/v1/exec";

on_both_databases!(
    a_thousand_refusals_are_two_rows_that_count_them_all,
    every_reason_to_refuse_a_known_key_is_told,
    what_says_nothing_about_a_key_is_not_told,
    what_was_not_started_is_told_of_every_operation,
    a_person_whose_command_was_not_started_is_told_of,
    what_is_not_started_while_reoclo_stops_is_told,
    refusals_of_one_organization_are_not_in_the_log_of_another,
);

async fn refusals(world: &World, of: &Organization) -> Vec<AuditRow> {
    let rows = world.store().audit_events(Some(of.id), 0, 1000).await;
    let mut rows = rows.unwrap();
    rows.retain(|row| row.action == "key.refused");
    rows
}

async fn written(world: &World) -> Vec<AuditRow> {
    world.control.write_refused_uses(true).await;
    refusals(world, &world.ours).await
}

async fn a_thousand_refusals_are_two_rows_that_count_them_all(world: &World) {
    let (token, key) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    world.revoke(&world.ours, key).await;
    for refusal in 0..1000 {
        let answer = world.post(EXEC, Some(&token), &json!({})).await;
        answer.is_error(401, "key_revoked");
        if refusal == 0 {
            world.control.refused_use_is_urgent().await;
        }
        if refusal % 100 == 0 {
            world.control.write_refused_uses(false).await;
            world.clock.advance(Duration::from_secs(1));
        }
    }
    world.clock.advance(Duration::from_mins(1));
    world.control.write_refused_uses(false).await;
    world.control.write_refused_uses(true).await;
    let rows = refusals(world, &world.ours).await;
    let counts: Vec<_> = rows.iter().map(|row| row.detail["count"].clone()).collect();
    assert_eq!(counts, [json!(1), json!(999)]);
    let last = &rows[1];
    assert_eq!(last.outcome, AuditOutcome::Refused);
    assert_eq!(last.actor.kind, ActorKind::AutomationKey);
    assert_eq!(last.actor.id, Some(key.as_uuid()));
    assert_eq!(last.actor.label, "test");
    assert_eq!(last.resource_kind, "automation_key");
    assert_eq!(last.resource_id, Some(key.as_uuid().to_string()));
    assert_eq!(last.source.ip, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(last.detail["code"], "key_revoked");
    assert_eq!(last.detail["permission"], "operation:exec");
    assert!(last.detail["since"].is_string());
}

fn codes(rows: &[AuditRow]) -> Vec<&Value> {
    rows.iter().map(|row| &row.detail["code"]).collect()
}

async fn every_reason_to_refuse_a_known_key_is_told(world: &World) {
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    let (expired, key) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    world.expire(&world.ours, key).await;
    let (deploys, _) = world
        .automation_key(&world.ours, &[OperationKind::Deploy])
        .await;
    let elsewhere = Scope::Only(vec![world.theirs.server]);
    let (elsewhere, _) = world
        .automation_key_for(&world.ours, &OperationKind::ALL, elsewhere)
        .await;
    let scope = AutomationScope {
        servers: Scope::All,
        operations: OperationKinds::all(),
        registry_credentials: Scope::All,
    };
    let (from_afar, _) = world
        .automation_key_with(&world.ours, scope, &["203.0.113.0/24"])
        .await;
    for (token, code) in [
        (&expired, "key_expired"),
        (&deploys, "operation_not_allowed"),
        (&elsewhere, "server_not_in_scope"),
        (&from_afar, "ip_not_allowed"),
    ] {
        let answer = world.post(EXEC, Some(token), &body).await;
        assert_eq!(answer.code(), code);
        let rows = written(world).await;
        assert_eq!(rows.last().unwrap().detail["code"], code);
    }
    let rows = written(world).await;
    let server = world.ours.server.to_string();
    assert_eq!(rows[2].detail["server_id"], server);

    let without = all_but(reoclo_domain::Cell::SERVERS_READ);
    let blind = world
        .integration_key(&world.ours, without, Role::Admin)
        .await;
    for token in [&deploys, &blind] {
        let answer = world.get("/api/servers", Some(token)).await;
        assert_eq!(answer.status, 403);
    }
    let rows = written(world).await;
    let last = codes(&rows[4..]);
    assert_eq!(last.len(), 2);
    for code in ["wrong_key_type", "permission_denied"] {
        assert!(last.contains(&&json!(code)), "{last:?}");
    }
    assert_eq!(rows[5].detail["permission"], "servers:read");
}

async fn what_says_nothing_about_a_key_is_not_told(world: &World) {
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let server = world.ours.server.to_string();
    let (nobody, wrong) = (
        json!({ "server_id": world.ours.id.to_string(), "command": "true" }),
        json!({ "server_id": server, "command": "" }),
    );
    for (body, status) in [(json!({}), 422), (nobody, 404), (wrong, 422)] {
        assert_eq!(world.post(EXEC, Some(&key), &body).await.status, status);
    }
    world.get("/api/servers", Some("rk_t_nonsense")).await;
    world.get("/api/servers", None).await;
    assert_eq!(written(world).await, []);
}

async fn what_was_not_started_is_told_of_every_operation(world: &World) {
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let credential = world.ours.registry_credential.to_string();
    let server = world.ours.server.to_string();
    let automation = |what: &str| format!("/api/automation/v1/{what}");
    let asked = [
        ("exec", json!({ "command": "true" })),
        ("exec", json!({ "command": "true" })),
        ("reboot", json!({})),
        (
            "registry-auth/login",
            json!({ "credential_id": credential }),
        ),
        (
            "registry-auth/login-direct",
            json!({ "registry_url": "ghcr.io", "username": "a", "access_token": "t" }),
        ),
        ("registry-auth/logout", json!({ "registry_url": "ghcr.io" })),
    ];
    for (what, mut body) in asked {
        body["server_id"] = json!(server);
        let answer = world.post(&automation(what), Some(&key), &body).await;
        answer.is_error(409, "server_unreachable");
    }
    let deploy = json!({ "server_id": server });
    let deploy = world.post(&automation("deploy"), Some(&key), &deploy).await;
    deploy.is_error(501, "not_implemented");

    let rows = written(world).await;
    assert_eq!(rows.len(), 2);
    let of = |code| rows.iter().find(|row| row.detail["code"] == code).unwrap();
    let (unreachable, deploy) = (of("server_unreachable"), of("not_implemented"));
    assert_eq!(unreachable.outcome, AuditOutcome::Refused);
    assert_eq!(unreachable.detail["code"], "server_unreachable");
    assert_eq!(unreachable.detail["count"], 6);
    let told = unreachable.detail["asked"].as_array().unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|one| (one["route"].as_str().unwrap(), one["count"].clone()))
        .collect();
    let expected = [
        ("registry-auth/logout", 1),
        ("registry-auth/login-direct", 1),
        ("registry-auth/login", 1),
        ("reboot", 1),
        ("exec", 2),
    ];
    let expected = expected.map(|(what, count)| (automation(what), count));
    let expected: Vec<_> = expected
        .iter()
        .map(|(route, count)| (route.as_str(), json!(count)))
        .collect();
    assert_eq!(told, expected);
    for one in unreachable.detail["asked"].as_array().unwrap() {
        assert_eq!(one["server_id"], server);
        assert_eq!(one["server_name"], "web 1 of ours");
    }
    assert_eq!(deploy.detail["route"], automation("deploy"));
}

async fn a_person_whose_command_was_not_started_is_told_of(world: &World) {
    let person = world.session(&world.ours, Role::Manager).await;
    let post = &http::Method::POST;
    let command = json!({ "command": "true" });
    let path = "/api/servers/web-1/exec";
    let answer = world.ask_as(&person, post, path, Some(&command)).await;
    answer.is_error(409, "server_unreachable");
    let answer = world
        .ask_as(&person, post, "/api/servers/web-1/reboot", None)
        .await;
    answer.is_error(409, "server_unreachable");
    world.control.write_refused_uses(true).await;
    let rows = world.store().audit_events(Some(world.ours.id), 0, 1000);
    let mut rows = rows.await.unwrap();
    rows.retain(|row| row.action == "user.refused");
    let [row] = &rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!(row.actor.id, Some(person.user.as_uuid()));
    assert_eq!(row.detail["code"], "server_unreachable");
    assert_eq!(row.detail["count"], 2);
    assert_eq!(row.detail["server_name"], "web 1 of ours");
    assert_eq!(row.detail["route"], "/api/servers/{id}/reboot");
}

async fn what_is_not_started_while_reoclo_stops_is_told(world: &World) {
    let (key, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let server = world.ours.server.to_string();
    world.control.drain().begin();
    let body = json!({ "server_id": server, "command": "true" });
    let answer = world.post(EXEC, Some(&key), &body).await;
    answer.is_error(503, "shutting_down");
    let rows = written(world).await;
    assert_eq!(codes(&rows), ["shutting_down"]);
    assert_eq!(rows[0].detail["server_id"], server);
    assert_eq!(rows[0].detail["route"], EXEC);
}

async fn refusals_of_one_organization_are_not_in_the_log_of_another(world: &World) {
    let none = Preset::Custom(reoclo_domain::Acl::empty());
    let key = world
        .integration_key(&world.theirs, none, Role::Admin)
        .await;
    let answer = world.get("/api/servers", Some(&key)).await;
    answer.is_error(403, "permission_denied");
    assert_eq!(written(world).await, []);
    assert_eq!(refusals(world, &world.theirs).await.len(), 1);
}
