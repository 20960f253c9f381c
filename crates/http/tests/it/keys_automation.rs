//! Automation keys, as people make them.

use std::time::Duration;

use reoclo_domain::{Clock, Role};
use serde_json::{Value, json};

use crate::keys_integration::{limit_lifetimes, made, path, text};
use crate::on_both_databases;
use crate::world::World;

const KEYS: &str = "/api/automation-keys";
const EXEC: &str = "/api/automation/v1/exec";

on_both_databases!(
    a_key_works_within_its_scope,
    what_is_not_said_has_a_default,
    what_is_wrong_is_named,
    ids_are_those_of_the_own_organization_s_servers_in_use,
    every_entry_of_an_allowlist_is_checked,
    an_allowlist_is_enforced_as_it_was_given,
    a_key_survives_its_creator_and_says_so,
    names_may_be_the_same,
);

fn form(world: &World) -> Value {
    json!({
        "name": "github-prod-deploy",
        "server_ids": [world.ours.server.to_string()],
        "operations": ["exec", "restart"],
    })
}

async fn a_key_works_within_its_scope(world: &World) {
    world.clock.advance(Duration::from_secs(1));
    let session = world.session(&world.ours, Role::Manager).await;
    let mut form = form(world);
    let server = world.ours.server.to_string();
    form["server_ids"] = json!([server, server.to_uppercase()]);
    form["expires_in"] = json!("1y");
    form["ip_allowlist"] = json!(["127.0.0.0/8", "::1", "127.0.0.0/8"]);
    form["rate_limit_per_minute"] = json!(7);
    let key = made(world.post_as(&session, KEYS, &form).await);
    let token = text(&key["token"]);
    assert!(token.starts_with("rca_") && token.len() == 53);
    assert_eq!(key["name"], "github-prod-deploy");
    assert_eq!(key["server_ids"], json!([server]), "each one once");
    assert_eq!(key["operations"], json!(["exec", "restart"]));
    assert_eq!(key["ip_allowlist"], json!(["127.0.0.0/8", "::1"]));
    assert_eq!(key["rate_limit_per_minute"], 7);
    let body = json!({ "server_id": server, "command": "true" });
    let exec = world.post(EXEC, Some(token), &body).await;
    exec.is_error(409, "server_unreachable");
    assert_eq!(exec.headers["ratelimit-policy"], "\"key\";q=7;w=60");
    let deploy = world
        .post("/api/automation/v1/deploy", Some(token), &body)
        .await;
    deploy.is_error(403, "operation_not_allowed");
    let listed = world.get_as(&session, KEYS).await.body;
    assert!(!listed.to_string().contains(token));
    let mut expected = key.clone();
    expected.as_object_mut().unwrap().remove("token");
    // Its two uses are written later.
    assert_eq!(listed[0], expected);
}

async fn what_is_not_said_has_a_default(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let plain = json!({ "name": "all", "all_servers": true, "operations": ["exec"] });
    let mut empty = plain.clone();
    for field in ["server_ids", "registry_credential_ids", "ip_allowlist"] {
        empty[field] = json!([]);
    }
    for form in [plain, empty] {
        let key = made(world.post_as(&session, KEYS, &form).await);
        assert_eq!(key["all_servers"], true);
        assert_eq!(key["all_registry_credentials"], true);
        assert_eq!(key["rate_limit_per_minute"], 100);
        assert_eq!(key["expires_at"], Value::Null);
        assert_eq!(key["ip_allowlist"], json!([]));
    }
    limit_lifetimes(world, Some(365)).await;
    let form = json!({ "name": "all", "all_servers": true, "operations": ["exec"] });
    let refused = world.post_as(&session, KEYS, &form).await;
    refused.is_error(422, "invalid_request");
    let problem = text(&refused.body["fields"]["expires_in"]);
    assert!(problem.contains("365 days") && problem.ends_with("use 30d or 90d or 1y"));
}

async fn what_is_wrong_is_named(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    let many: Vec<_> = (0..10_001)
        .map(|number| format!("10.0.{}.{}", number / 256, number % 256))
        .collect();
    for (field, value, named) in [
        ("name", json!(" "), "name"),
        ("name", json!("x".repeat(101)), "name"),
        ("server_ids", json!([]), "server_ids"),
        ("server_ids", Value::Null, "server_ids"),
        ("server_ids", json!("all"), "server_ids"),
        ("server_ids", json!(["web-1"]), "server_ids[0]"),
        ("all_servers", json!(true), "server_ids"),
        ("operations", json!([]), "operations"),
        ("operations", json!(["exec", "Exec"]), "operations[1]"),
        (
            "registry_credential_ids",
            json!(["hub"]),
            "registry_credential_ids[0]",
        ),
        ("expires_in", json!("soon"), "expires_in"),
        ("ip_allowlist", json!(many), "ip_allowlist"),
        ("rate_limit_per_minute", json!(0), "rate_limit_per_minute"),
        (
            "rate_limit_per_minute",
            json!(10_001),
            "rate_limit_per_minute",
        ),
        ("rate_limit_per_minute", json!(1.5), "rate_limit_per_minute"),
        ("servers", json!([]), "servers"),
    ] {
        let mut form = form(world);
        form[field] = value;
        let refused = world.post_as(&session, KEYS, &form).await;
        refused.is_error(422, "invalid_request");
        assert!(
            refused.body["fields"][named].is_string(),
            "{}",
            refused.body
        );
    }
    let mut form = form(world);
    form.as_object_mut().unwrap().remove("operations");
    let refused = world.post_as(&session, KEYS, &form).await;
    refused.is_error(422, "invalid_request");
    assert_eq!(refused.body["fields"]["operations"], "is missing");
}

async fn ids_are_those_of_the_own_organization_s_servers_in_use(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let (ours, theirs) = (world.ours.server, world.theirs.server);
    let mut form = form(world);
    form["server_ids"] = json!([
        ours.to_string(),
        theirs.to_string(),
        world.ours.id.to_string()
    ]);
    let credential = world.ours.id.to_string();
    form["registry_credential_ids"] = json!([credential]);
    let refused = world.post_as(&session, KEYS, &form).await;
    refused.is_error(422, "invalid_request");
    let fields = refused.body["fields"].as_object().unwrap();
    let named: Vec<_> = fields.keys().collect();
    assert_eq!(
        named,
        [
            "registry_credential_ids[0]",
            "server_ids[1]",
            "server_ids[2]"
        ]
    );
    assert!(text(&fields["server_ids[1]"]).contains(&theirs.to_string()));

    let gone = reoclo_domain::ServerStatus::Decommissioned;
    let now = world.clock.now();
    let removed = world.store().set_server_status(ours, gone, now, Vec::new());
    removed.await.unwrap();
    form["server_ids"] = json!([ours.to_string()]);
    let refused = world.post_as(&session, KEYS, &form).await;
    assert!(refused.body["fields"]["server_ids[0]"].is_string());
}

async fn every_entry_of_an_allowlist_is_checked(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let mut form = form(world);
    form["ip_allowlist"] = json!([
        "10.0.0.5/8",
        "203.0.113.7",
        "2001:db8::1/32",
        "github.com",
        "::ffff:10.0.0.5/104",
    ]);
    let refused = world.post_as(&session, KEYS, &form).await;
    refused.is_error(422, "invalid_request");
    let fields = refused.body["fields"].as_object().unwrap();
    let named: Vec<_> = fields.keys().map(String::as_str).collect();
    let expected = [0, 2, 3, 4].map(|position| format!("ip_allowlist[{position}]"));
    assert_eq!(named, expected);
    assert_eq!(
        fields["ip_allowlist[0]"],
        "10.0.0.5/8 has host bits set: use 10.0.0.0/8 or 10.0.0.5"
    );
    assert_eq!(
        fields["ip_allowlist[2]"],
        "2001:db8::1/32 has host bits set: use 2001:db8::/32 or 2001:db8::1"
    );
    form["ip_allowlist"] = json!(["::ffff:10.0.0.0/104", "::ffff:203.0.113.7"]);
    let key = made(world.post_as(&session, KEYS, &form).await);
    assert_eq!(key["ip_allowlist"], json!(["10.0.0.0/8", "203.0.113.7"]));
}

async fn an_allowlist_is_enforced_as_it_was_given(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    for (allowlist, is_allowed) in [
        (json!(["127.0.0.1"]), true),
        (json!(["192.0.2.0/24", "::ffff:127.0.0.1"]), true),
        (json!(["0.0.0.0/0"]), true),
        (json!(["::/0"]), false),
        (json!(["128.0.0.0/8"]), false),
    ] {
        let mut form = form(world);
        form["ip_allowlist"] = allowlist;
        let key = made(world.post_as(&session, KEYS, &form).await);
        let exec = world.post(EXEC, Some(text(&key["token"])), &body).await;
        if is_allowed {
            exec.is_error(409, "server_unreachable");
        } else {
            exec.is_error(403, "ip_not_allowed");
        }
    }
}

async fn a_key_survives_its_creator_and_says_so(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let key = made(world.post_as(&session, KEYS, &form(world)).await);
    let removed = world
        .store()
        .set_role(world.ours.id, session.user, None, Vec::new());
    removed.await.unwrap();
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    let exec = world.post(EXEC, Some(text(&key["token"])), &body).await;
    exec.is_error(409, "server_unreachable");
    let admin = world.session(&world.ours, Role::Admin).await;
    let shown = world.get_as(&admin, &path(KEYS, &key, "")).await.body;
    assert_eq!(shown["status"], "active");
    assert_eq!(shown["creator_is_member"], false);
    assert_eq!(shown["created_by"], session.user.to_string());
    // Those to review when somebody is removed.
    let theirs = format!("{KEYS}?status=active&created_by={}", session.user);
    let theirs = world.get_as(&admin, &theirs).await.body;
    assert_eq!(theirs[0]["id"], key["id"]);
    assert_eq!(theirs.as_array().unwrap().len(), 1);
}

async fn names_may_be_the_same(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let first = made(world.post_as(&session, KEYS, &form(world)).await);
    let second = made(world.post_as(&session, KEYS, &form(world)).await);
    assert_eq!(first["name"], second["name"]);
    assert_ne!(first["token"], second["token"]);
}
