//! Integration keys, as people make and see them.

use std::time::Duration;

use reoclo_domain::{Clock, Role};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Answer, Session, World};

pub(crate) const KEYS: &str = "/api/integration-keys";
const DAY: Duration = Duration::from_hours(24);

on_both_databases!(
    a_key_works_and_its_token_is_shown_once,
    a_preset_is_taken_by_name_and_bounded_by_the_role,
    custom_cells_are_the_role_s_own,
    what_is_wrong_is_named,
    lifetimes_are_as_chosen_within_the_organization_s_maximum,
    developers_manage_their_own_keys_and_managers_all,
    a_list_is_filtered_and_read_in_pages,
    a_thousand_keys_are_one_answer,
    what_people_do_with_keys_is_in_the_audit_log,
);

pub(crate) fn form(label: &str) -> Value {
    json!({ "label": label, "expires_in": "90d", "preset": "read_only" })
}

/// The body of a key that was just made.
#[track_caller]
pub(crate) fn made(answer: Answer) -> Value {
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    answer.body
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The path of a key and of what is done to it.
pub(crate) fn path(of: &str, key: &Value, verb: &str) -> String {
    format!("{of}/{}{verb}", text(&key["id"]))
}

pub(crate) async fn limit_lifetimes(world: &World, days: Option<u32>) {
    world
        .change_organization(move |record| record.max_key_lifetime_days = days)
        .await;
}

async fn a_key_works_and_its_token_is_shown_once(world: &World) {
    let session = world.session(&world.ours, Role::Developer).await;
    let key = made(world.post_as(&session, KEYS, &form(" Claude Code ")).await);
    let token = text(&key["token"]).to_owned();
    assert!(token.starts_with("rk_t_") && token.len() == 54);
    assert_eq!(key["label"], "Claude Code");
    assert_eq!(key["prefix"], &token[..12]);
    assert_eq!(key["status"], "active");
    assert_eq!(key["created_by"], session.user.to_string());
    assert_eq!(
        key["created_by_email"],
        format!("{}@people.example", session.user)
    );
    assert_eq!(key["creator_is_member"], true);
    for nothing in ["last_used_at", "last_used_ip", "revoked_at"] {
        assert!(key[nothing].is_null(), "{nothing}");
    }
    let servers = world.get("/api/servers", Some(&token)).await;
    assert_eq!(servers.body[0]["id"], world.ours.server.to_string());

    let shown = world.get_as(&session, &path(KEYS, &key, "")).await.body;
    let listed = world.get_as(&session, KEYS).await.body;
    for answer in [&shown, &listed] {
        assert!(!answer.to_string().contains(&token));
    }
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let mut expected = key.clone();
    expected.as_object_mut().unwrap().remove("token");
    assert_eq!(listed[0], expected);
    assert_eq!(shown["usage"], json!([]));
}

async fn a_preset_is_taken_by_name_and_bounded_by_the_role(world: &World) {
    let session = world.session(&world.ours, Role::Developer).await;
    for preset in ["full_access", "deploy_only", "read_only"] {
        let mut form = form(preset);
        form["preset"] = json!(preset);
        let key = made(world.post_as(&session, KEYS, &form).await);
        assert_eq!(key["preset"], preset);
        let may_read = key["effective_permissions"]["servers"] == json!(["read"]);
        assert_eq!(may_read, preset != "deploy_only");
        if preset == "full_access" {
            let all = json!(["read", "write", "execute"]);
            assert_eq!(key["permissions"]["servers"], all);
            assert_eq!(key["effective_permissions"]["applications"], all);
        }
    }
    // The part that the role allows follows the role.
    let removed = world
        .store()
        .set_role(world.ours.id, session.user, None, Vec::new());
    removed.await.unwrap();
    let admin = world.session(&world.ours, Role::Admin).await;
    let listed = world.get_as(&admin, KEYS).await.body;
    let listed = listed.as_array().unwrap();
    let theirs = listed
        .iter()
        .filter(|key| key["created_by"] == session.user.to_string());
    for key in theirs {
        assert_eq!(key["effective_permissions"], json!({}));
        assert_eq!(key["creator_is_member"], false);
    }
}

async fn custom_cells_are_the_role_s_own(world: &World) {
    let custom = |permissions: Value| {
        let mut form = form("custom");
        form["preset"] = json!("custom");
        form["permissions"] = permissions;
        form
    };
    let developer = world.session(&world.ours, Role::Developer).await;
    let allowed = json!({ "servers": ["read"], "applications": ["write", "execute"] });
    let key = made(
        world
            .post_as(&developer, KEYS, &custom(allowed.clone()))
            .await,
    );
    assert_eq!(key["permissions"], allowed);
    assert_eq!(key["effective_permissions"], allowed);

    let beyond = json!({ "servers": ["read", "execute"], "users": ["write"] });
    let refused = world
        .post_as(&developer, KEYS, &custom(beyond.clone()))
        .await;
    refused.is_error(422, "invalid_request");
    let problem = text(&refused.body["fields"]["permissions.servers"]);
    assert!(
        problem.contains("servers:execute") && problem.contains("developer"),
        "{problem}"
    );
    assert!(refused.body["fields"]["permissions.users"].is_string());

    let manager = world.session(&world.ours, Role::Manager).await;
    let refused = world.post_as(&manager, KEYS, &custom(beyond)).await;
    let fields = refused.body["fields"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["permissions.users"]);
}

async fn what_is_wrong_is_named(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    for (field, value, named) in [
        ("label", json!(""), "label"),
        ("label", json!("x".repeat(101)), "label"),
        ("label", json!("a\u{202e}b"), "label"),
        ("label", Value::Null, "label"),
        ("expires_in", json!("2d"), "expires_in"),
        ("expires_in", json!(30), "expires_in"),
        ("preset", json!("everything"), "preset"),
        ("preset", json!("custom"), "permissions"),
        ("permissions", json!({ "servers": ["read"] }), "permissions"),
        ("organization", json!("theirs"), "organization"),
    ] {
        let mut form = form("laptop");
        form[field] = value;
        let refused = world.post_as(&session, KEYS, &form).await;
        refused.is_error(422, "invalid_request");
        assert!(
            refused.body["fields"][named].is_string(),
            "{}",
            refused.body
        );
    }
    for (permissions, named) in [
        (json!({}), "permissions"),
        (json!({ "servers": [] }), "permissions"),
        (json!({ "dogs": ["read"] }), "permissions.dogs"),
        (json!({ "logs": ["read", "write"] }), "permissions.logs"),
        (json!({ "servers": ["fly"] }), "permissions.servers"),
    ] {
        let mut form = form("laptop");
        form["preset"] = json!("custom");
        form["permissions"] = permissions;
        let refused = world.post_as(&session, KEYS, &form).await;
        refused.is_error(422, "invalid_request");
        assert!(
            refused.body["fields"][named].is_string(),
            "{}",
            refused.body
        );
    }
    let missing = world
        .post_as(&session, KEYS, &json!({ "preset": "read_only" }))
        .await;
    missing.is_error(422, "invalid_request");
    // The key of the fixture is the only one.
    let listed = world.get_as(&session, KEYS).await.body;
    assert_eq!(listed.as_array().unwrap().len(), 1);
}

async fn lifetimes_are_as_chosen_within_the_organization_s_maximum(world: &World) {
    let session = world.session(&world.ours, Role::Admin).await;
    let create = async |expires_in: &str| {
        let mut form = form(expires_in);
        form["expires_in"] = json!(expires_in);
        world.post_as(&session, KEYS, &form).await
    };
    for (expires_in, days) in [
        ("30d", Some(30)),
        ("90d", Some(90)),
        ("1y", Some(365)),
        ("never", None),
    ] {
        let key = made(create(expires_in).await);
        let end = days.map(|days| world.clock.now().plus(DAY * days).to_string());
        assert_eq!(key["expires_at"], json!(end));
        assert_eq!(key["exceeds_maximum_lifetime"], false);
    }
    limit_lifetimes(world, Some(90)).await;
    for (expires_in, is_allowed) in [("90d", true), ("1y", false), ("never", false)] {
        let answer = create(expires_in).await;
        if is_allowed {
            made(answer);
        } else {
            answer.is_error(422, "invalid_request");
            let problem = text(&answer.body["fields"]["expires_in"]);
            assert!(problem.contains("90 days"), "{problem}");
        }
    }
    // What is longer already is flagged, and goes on.
    let listed = world.get_as(&session, KEYS).await.body;
    for key in listed.as_array().unwrap() {
        let is_long = ["1y", "never", "test"].contains(&text(&key["label"]));
        assert_eq!(key["exceeds_maximum_lifetime"], is_long, "{key}");
        assert_eq!(key["status"], "active");
    }
}

async fn developers_manage_their_own_keys_and_managers_all(world: &World) {
    world.clock.advance(Duration::from_secs(1));
    let ada = world.session(&world.ours, Role::Developer).await;
    let bob = world.session(&world.ours, Role::Developer).await;
    let manager = world.session(&world.ours, Role::Manager).await;
    let of_ada = made(world.post_as(&ada, KEYS, &form("of Ada")).await);
    world.clock.advance(Duration::from_secs(1));
    let of_bob = made(world.post_as(&bob, KEYS, &form("of Bob")).await);
    let labels = async |session: &Session, query: &str| {
        let listed = world.get_as(session, &format!("{KEYS}{query}")).await.body;
        let listed = listed.as_array().unwrap();
        let labels = listed.iter().map(|key| text(&key["label"]).to_owned());
        labels.collect::<Vec<_>>()
    };
    assert_eq!(labels(&ada, "").await, ["of Ada"]);
    let by_bob = format!("?created_by={}", bob.user);
    assert_eq!(labels(&ada, &by_bob).await, [""; 0]);
    assert_eq!(labels(&manager, "").await, ["of Bob", "of Ada", "test"]);
    assert_eq!(labels(&manager, &by_bob).await, ["of Bob"]);
    for verb in ["/revoke", "/duplicate", "/replace"] {
        let foreign = path(KEYS, &of_bob, verb);
        let answer = world.post_as(&ada, &foreign, &json!({})).await;
        answer.is_error(404, "not_found");
    }
    let foreign = world.get_as(&ada, &path(KEYS, &of_bob, "")).await;
    foreign.is_error(404, "not_found");
    for key in [&of_ada, &of_bob] {
        let path = path(KEYS, key, "/revoke");
        assert_eq!(
            world.post_as(&manager, &path, &json!({})).await.body["status"],
            "revoked"
        );
    }
    let own = path(KEYS, &of_ada, "");
    assert_eq!(world.get_as(&ada, &own).await.body["status"], "revoked");
    for wrong in ["x", "00000000-0000-0000-0000-000000000000"] {
        let answer = world.get_as(&manager, &format!("{KEYS}/{wrong}")).await;
        answer.is_error(404, "not_found");
    }
    // The id of a key of the other kind is no id of this one.
    let automation = world.ours.automation_key;
    let answer = world
        .get_as(&manager, &format!("{KEYS}/{automation}"))
        .await;
    answer.is_error(404, "not_found");
}

async fn a_list_is_filtered_and_read_in_pages(world: &World) {
    let session = world.session(&world.ours, Role::Developer).await;
    let mut keys = Vec::new();
    for label in ["laptop", "desktop", "phone", "100%"] {
        keys.push(made(world.post_as(&session, KEYS, &form(label)).await));
        world.clock.advance(Duration::from_secs(1));
    }
    let revoke = path(KEYS, &keys[1], "/revoke");
    world.post_as(&session, &revoke, &json!({})).await;
    let list = async |query: &str| {
        let answer = world.get_as(&session, &format!("{KEYS}?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let keys = answer.body.as_array().unwrap().clone();
        let labels = keys.iter().map(|key| text(&key["label"]).to_owned());
        labels.collect::<Vec<_>>()
    };
    assert_eq!(list("search=TOP").await, ["desktop", "laptop"]);
    assert_eq!(list("search=0%25").await, ["100%"]);
    assert_eq!(list("status=revoked").await, ["desktop"]);
    assert_eq!(list("status=active&search=top").await, ["laptop"]);
    assert_eq!(list("status=expired").await, [""; 0]);
    assert_eq!(list("limit=2").await, ["100%", "phone"]);
    let rest = format!("limit=2&before={}", text(&keys[2]["id"]));
    assert_eq!(list(&rest).await, ["desktop", "laptop"]);
    for (query, named) in [
        ("status=dead", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("before=x", "before"),
        ("created_by=me", "created_by"),
    ] {
        let answer = world.get_as(&session, &format!("{KEYS}?{query}")).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][named].is_string());
    }
    let long = format!("{KEYS}?search={}", "x".repeat(101));
    let answer = world.get_as(&session, &long).await;
    answer.is_error(422, "invalid_request");
}

async fn a_thousand_keys_are_one_answer(world: &World) {
    let session = world.session(&world.ours, Role::Developer).await;
    let preset = reoclo_domain::Preset::ReadOnly;
    let created = (0..1001).map(|_| world.integration_key_of(&world.ours, preset, session.user));
    futures_util::future::join_all(created).await;
    let answer = world.get_as(&session, KEYS).await.body;
    let listed = answer.as_array().unwrap();
    assert_eq!(listed.len(), 1000);
    let rest = format!("{KEYS}?before={}", text(&listed[999]["id"]));
    let rest = world.get_as(&session, &rest).await.body;
    assert_eq!(rest.as_array().unwrap().len(), 1);
}

async fn what_people_do_with_keys_is_in_the_audit_log(world: &World) {
    let session = world.session(&world.ours, Role::Developer).await;
    let first = made(world.post_as(&session, KEYS, &form("laptop")).await);
    let verbs = async |key: &Value, verb: &str| {
        world
            .post_as(&session, &path(KEYS, key, verb), &json!({}))
            .await
    };
    let second = made(verbs(&first, "/duplicate").await);
    let third = made(verbs(&second, "/replace").await);
    for _ in 0..2 {
        assert_eq!(verbs(&third, "/revoke").await.body["status"], "revoked");
    }
    let rows = world
        .store()
        .audit_events(Some(world.ours.id), 0, 1000)
        .await
        .unwrap();
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| row.action.starts_with("key."))
        .collect();
    let done: Vec<_> = rows
        .iter()
        .map(|row| (row.action.as_str(), row.resource_id.as_deref().unwrap()))
        .collect();
    let ids = [&first, &second, &third].map(|key| text(&key["id"]));
    assert_eq!(
        done,
        [
            ("key.create", ids[0]),
            ("key.duplicate", ids[1]),
            ("key.replace", ids[1]),
            ("key.duplicate", ids[2]),
            ("key.revoke", ids[2]),
        ]
    );
    for row in &rows {
        assert_eq!(row.actor.id, Some(session.user.as_uuid()));
        assert_eq!(row.resource_kind, "integration_key");
        assert_eq!(row.resource_name.as_deref(), Some("laptop"));
        assert_eq!(row.source.ip, Some([127, 0, 0, 1].into()));
        assert_eq!(row.detail["id"], row.resource_id.as_deref().unwrap());
        assert_eq!(row.detail["scope"]["preset"], "read_only");
        assert_eq!(text(&row.detail["prefix"]).len(), 12);
    }
    assert_eq!(rows[1].detail["duplicate_of"], ids[0]);
    assert_eq!(rows[2].detail["replaced_by"], ids[2]);
    assert_eq!(rows[3].detail["duplicate_of"], ids[1]);
    let log = format!("{rows:?}");
    for key in [&first, &second, &third] {
        assert!(!log.contains(&text(&key["token"])[12..]));
    }
}
