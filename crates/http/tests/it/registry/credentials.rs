//! Keeping, seeing, changing and removing registry credentials.

use http::Method;
use reoclo_domain::{Preset, Role};
use serde_json::{Value, json};

use super::{Admin, PATH, SECRET, hostile_registries};
use crate::on_both_databases;
use crate::world::{Answer, World};

on_both_databases!(
    a_credential_is_kept_and_shown_without_its_secret,
    every_name_of_a_type_comes_back_as_it_was_sent,
    an_address_that_is_the_usual_one_need_not_be_sent,
    a_change_of_where_or_as_whom_needs_the_secret_again,
    other_changes_keep_the_secret,
    a_mask_that_comes_back_is_no_secret,
    a_removed_credential_is_gone,
    each_field_has_its_limits,
    no_hostile_registry_is_kept,
    hostile_values_are_data_or_refused_by_name,
    the_secret_is_in_no_answer_and_no_audit_row,
    every_change_is_audited,
    both_slash_forms_and_surfaces_are_the_same,
);

#[track_caller]
fn names(answer: &Answer, field: &str) {
    answer.is_error(422, "invalid_request");
    assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
}

async fn a_credential_is_kept_and_shown_without_its_secret(world: &World) {
    let admin = Admin::of(world).await;
    let answer = admin
        .create(&json!({ "description": "for\nbuilds", "tenant_id": "ignored" }))
        .await;
    assert_eq!(answer.status, 201);
    let made = answer.body;
    assert_eq!(made["name"], "hub");
    assert_eq!(made["registry_url"], "https://index.docker.io/v1/");
    assert_eq!(made["username"], "ada");
    assert_eq!(made["description"], "for\nbuilds");
    assert_eq!(made["encrypted_credential"], "********");
    assert!(made["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(made["created_at"], made["updated_at"]);
    let id = made["id"].as_str().unwrap();
    assert_eq!(admin.shown(id).await, made);
    assert_eq!(admin.secret(id).await, SECRET);
    let list = world.get(PATH, Some(&admin.key)).await.body;
    assert!(list.as_array().unwrap().contains(&made), "{list}");
    let theirs = world
        .integration_key(&world.theirs, Preset::FullAccess, Role::Admin)
        .await;
    let list = world.get(PATH, Some(&theirs)).await.body;
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    assert!(!list.to_string().contains(id), "{list}");
}

async fn every_name_of_a_type_comes_back_as_it_was_sent(world: &World) {
    let admin = Admin::of(world).await;
    for name in [
        "docker",
        "docker_hub",
        "ecr",
        "aws_ecr",
        "private",
        "ghcr",
        "gitlab",
        "gcr",
        "acr",
    ] {
        let fields = json!({ "registry_type": name, "registry_url": "registry.example.com" });
        let id = admin.created(&fields).await;
        assert_eq!(admin.shown(&id).await["registry_type"], name);
        // What was shown can be sent back.
        let same = json!({ "registry_type": name, "encrypted_credential": "********" });
        assert_eq!(admin.change(&id, same).await.status, 200);
    }
    // The other name of the same type changes nothing about where the secret goes.
    let id = admin.created(&json!({ "registry_type": "docker" })).await;
    let answer = admin
        .change(&id, json!({ "registry_type": "docker_hub" }))
        .await;
    assert_eq!(answer.body["registry_type"], "docker_hub");
    for wrong in ["quay", "", "Docker"] {
        names(
            &admin.create(&json!({ "registry_type": wrong })).await,
            "registry_type",
        );
    }
}

async fn an_address_that_is_the_usual_one_need_not_be_sent(world: &World) {
    let admin = Admin::of(world).await;
    for (kind, address) in [
        ("docker_hub", Some("https://index.docker.io/v1/")),
        ("ghcr", Some("ghcr.io")),
        ("gitlab", Some("registry.gitlab.com")),
        ("gcr", Some("gcr.io")),
        ("aws_ecr", None),
        ("acr", None),
        ("private", None),
    ] {
        let answer = admin.create(&json!({ "registry_type": kind })).await;
        match address {
            Some(address) => assert_eq!(answer.body["registry_url"], address),
            None => names(&answer, "registry_url"),
        }
    }
}

async fn a_change_of_where_or_as_whom_needs_the_secret_again(world: &World) {
    let admin = Admin::of(world).await;
    let id = admin.created(&json!({})).await;
    let before = admin.shown(&id).await;
    for change in [
        json!({ "registry_url": "evil.example" }),
        json!({ "registry_url": "https://index.docker.io/v1" }),
        json!({ "registry_type": "private" }),
        json!({ "username": "eve" }),
        json!({ "username": "" }),
        json!({ "registry_url": "evil.example", "encrypted_credential": "********" }),
    ] {
        let answer = admin.change(&id, change.clone()).await;
        names(&answer, "encrypted_credential");
        assert_eq!(admin.shown(&id).await, before, "{change}");
        let mut with_secret = change;
        with_secret["encrypted_credential"] = json!("another");
        let changed = admin.change(&id, with_secret.clone()).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(admin.secret(&id).await, "another");
        // And back.
        let back = json!({
            "registry_type": "docker_hub", "registry_url": before["registry_url"],
            "username": "ada", "password": SECRET,
        });
        assert_eq!(admin.change(&id, back).await.status, 200);
        assert_eq!(admin.secret(&id).await, SECRET);
    }
}

async fn other_changes_keep_the_secret(world: &World) {
    let admin = Admin::of(world).await;
    let id = admin.created(&json!({ "description": "old" })).await;
    let before = admin.shown(&id).await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let change = json!({
        "name": "renamed", "description": "", "username": "ada", "registry_type": "docker_hub",
        "registry_url": before["registry_url"],
    });
    let after = admin.change(&id, change).await.body;
    assert_eq!(after["name"], "renamed");
    assert!(after["description"].is_null());
    assert_eq!(after["created_at"], before["created_at"]);
    assert!(after["updated_at"].as_str() > before["updated_at"].as_str());
    assert_eq!(admin.secret(&id).await, SECRET);
    assert_eq!(admin.change(&id, json!({})).await.body, after);
    assert_eq!(
        admin.change(&id, json!({ "password": "new" })).await.status,
        200
    );
    assert_eq!(admin.secret(&id).await, "new");
}

async fn a_mask_that_comes_back_is_no_secret(world: &World) {
    let admin = Admin::of(world).await;
    let mask = json!({ "encrypted_credential": "********" });
    names(&admin.create(&mask).await, "encrypted_credential");
    let id = admin.created(&json!({})).await;
    assert_eq!(admin.change(&id, mask).await.status, 200);
    assert_eq!(admin.secret(&id).await, SECRET);
}

async fn a_removed_credential_is_gone(world: &World) {
    let admin = Admin::of(world).await;
    let id = admin.created(&json!({})).await;
    let answer = admin.ask(Method::DELETE, &id, None).await;
    assert_eq!((answer.status.as_u16(), answer.body), (204, Value::Null));
    for method in [Method::GET, Method::DELETE, Method::PATCH] {
        let body = (method == Method::PATCH).then(|| json!({}));
        let answer = admin.ask(method, &id, body.as_ref()).await;
        answer.is_error(404, "not_found");
    }
    for id in ["x", "%00", "%ff", "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa"] {
        admin
            .ask(Method::GET, id, None)
            .await
            .is_error(404, "not_found");
    }
}

async fn each_field_has_its_limits(world: &World) {
    let admin = Admin::of(world).await;
    let long = |length: usize| "x".repeat(length);
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(long(101))),
        ("name", json!("a\u{202e}b")),
        ("username", json!(long(256))),
        ("username", json!("a:b")),
        ("username", json!("a\nb")),
        ("username", json!("a\0b")),
        ("description", json!(long(501))),
        ("description", json!("a\0b")),
        ("encrypted_credential", json!("")),
        ("encrypted_credential", json!(" \n")),
        ("encrypted_credential", json!("a\0b")),
        ("encrypted_credential", json!(long(16 * 1024 + 1))),
        ("encrypted_credential", json!(null)),
    ] {
        names(&admin.create(&json!({ field: value })).await, field);
    }
    for missing in ["name", "registry_type"] {
        let mut body = json!({ "name": "a", "registry_type": "ghcr", "password": "x" });
        body.as_object_mut().unwrap().remove(missing);
        names(&admin.post(PATH, &body).await, missing);
    }
    let both = json!({ "password": "a" });
    names(&admin.create(&both).await, "password");
    let several = json!({ "name": "", "username": "a:b" });
    let answer = admin.create(&several).await;
    names(&answer, "name");
    names(&answer, "username");
    admin
        .created(&json!({ "username": "ü".repeat(255), "encrypted_credential": long(16 * 1024) }))
        .await;
}

async fn no_hostile_registry_is_kept(world: &World) {
    let admin = Admin::of(world).await;
    let id = admin.created(&json!({})).await;
    let before = admin.shown(&id).await;
    let list = world.get(PATH, Some(&admin.key)).await.body;
    for hostile in hostile_registries() {
        let fields = json!({
            "registry_type": "private", "registry_url": hostile, "encrypted_credential": SECRET,
        });
        names(&admin.create(&fields).await, "registry_url");
        names(&admin.change(&id, fields).await, "registry_url");
    }
    assert_eq!(admin.shown(&id).await, before);
    assert_eq!(world.get(PATH, Some(&admin.key)).await.body, list);
}

/// In every field, what is kept is what was sent.
async fn hostile_values_are_data_or_refused_by_name(world: &World) {
    let admin = Admin::of(world).await;
    let long = "x".repeat(10 * 1024);
    for hostile in [
        "'",
        "\"",
        "`id`",
        "$(id)",
        "${HOME}",
        "a\nb",
        "a\0b",
        "-x",
        "--help",
        "../..",
        "..",
        "a;b",
        "a|b",
        "a&b",
        "<b>",
        "%00",
        "🐳",
        "' OR 1=1 --",
        "\u{202e}",
        "\u{1b}[31m",
        &long,
    ] {
        for field in ["name", "username", "description", "encrypted_credential"] {
            let answer = admin.create(&json!({ field: hostile })).await;
            if answer.status == 422 {
                names(&answer, field);
                continue;
            }
            assert_eq!(answer.status, 201, "{field} {hostile:?}: {}", answer.body);
            let id = answer.body["id"].as_str().unwrap();
            if field == "encrypted_credential" {
                assert_eq!(admin.secret(id).await, hostile);
            } else {
                assert_eq!(admin.shown(id).await[field], hostile);
            }
        }
    }
}

async fn the_secret_is_in_no_answer_and_no_audit_row(world: &World) {
    let admin = Admin::of(world).await;
    let mut answers = vec![admin.create(&json!({})).await];
    let id = answers[0].body["id"].as_str().unwrap().to_owned();
    let change = json!({ "username": "eve", "encrypted_credential": SECRET });
    answers.push(admin.change(&id, change).await);
    answers.push(admin.ask(Method::GET, &id, None).await);
    answers.push(world.get(PATH, Some(&admin.key)).await);
    let wrong =
        json!({ "registry_type": "x", "registry_url": "x", "encrypted_credential": SECRET });
    answers.push(admin.post(&format!("{PATH}/test-connection"), &wrong).await);
    answers.push(admin.create(&json!({ "name": 1 })).await);
    answers.push(world.get("/api/audit-logs", Some(&admin.key)).await);
    for answer in answers {
        assert!(!answer.body.to_string().contains(SECRET), "{}", answer.body);
    }
}

async fn every_change_is_audited(world: &World) {
    let admin = Admin::of(world).await;
    let id = admin.created(&json!({})).await;
    let change = json!({ "name": "new", "username": "eve", "encrypted_credential": "x" });
    assert_eq!(admin.change(&id, change).await.status, 200);
    admin.ask(Method::DELETE, &id, None).await;
    let rows = world
        .store()
        .audit_events(Some(world.ours.id), 0, 100)
        .await
        .unwrap();
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| row.resource_kind == "registry_credential")
        .collect();
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    let expected = ["create", "update", "delete"];
    assert_eq!(
        actions,
        expected.map(|verb| format!("registry_credential.{verb}"))
    );
    assert!(
        rows.iter()
            .all(|row| row.resource_id.as_deref() == Some(&id))
    );
    let changed = json!(["username", "encrypted_credential", "name"]);
    assert_eq!(rows[1].detail["changed"], changed);
    let username = json!({ "from": "ada", "to": "eve" });
    assert_eq!(rows[1].detail["username"], username);
}

async fn both_slash_forms_and_surfaces_are_the_same(world: &World) {
    let admin = Admin::of(world).await;
    let id = admin.created(&json!({})).await;
    let tenant = format!("/mcp/tenants/{}/registry-credentials", world.ours.id);
    for path in [PATH, &tenant] {
        for slash in ["", "/"] {
            let list = world.get(&format!("{path}{slash}"), Some(&admin.key)).await;
            let one = world
                .get(&format!("{path}/{id}{slash}"), Some(&admin.key))
                .await;
            assert_eq!(one.body["id"], id.as_str());
            assert!(list.body.as_array().unwrap().contains(&one.body));
        }
    }
    let foreign = format!("/mcp/tenants/{}/registry-credentials", world.theirs.id);
    let answer = world.get(&foreign, Some(&admin.key)).await;
    answer.is_error(404, "not_found");
}
