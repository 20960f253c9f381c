//! Everything about a login that is checked before a runner is asked; here none is connected.

use reoclo_domain::{
    AutomationScope, OperationKind, OperationKinds, RegistryCredentialId, Role, Scope, ServerId,
};
use serde_json::{Value, json};

use super::{Admin, hostile_registries};
use crate::on_both_databases;
use crate::world::{Answer, World};

on_both_databases!(
    whoever_may_log_in_is_let_through_to_the_runner,
    what_is_not_there_is_not_found,
    a_server_out_of_scope_is_refused_before_the_credential,
    a_key_with_a_list_uses_what_is_on_it_and_nothing_else,
    a_removed_credential_never_widens_a_list,
    a_key_is_made_for_credentials_that_are_there,
    what_a_login_needs_is_named,
    no_hostile_registry_reaches_a_server,
    a_credential_without_a_user_name_is_named,
    a_refusal_is_audited,
);

const LOGIN: &str = "/api/automation/v1/registry-auth/login";
const DIRECT: &str = "/api/automation/v1/registry-auth/login-direct";
const LOGOUT: &str = "/api/automation/v1/registry-auth/logout";

async fn key(
    world: &World,
    servers: Scope<ServerId>,
    registry_credentials: Scope<RegistryCredentialId>,
) -> String {
    let scope = AutomationScope {
        servers,
        operations: OperationKinds::all(),
        registry_credentials,
    };
    world.automation_key_with(&world.ours, scope, &[]).await.0
}

async fn post(world: &World, key: &str, path: &str, fields: Value) -> Answer {
    let mut body = json!({ "server_id": world.ours.server.to_string(), "unknown": true });
    let fields = fields.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    world.post(path, Some(key), &body).await
}

fn direct() -> Value {
    json!({ "registry_url": "ghcr.io", "username": "ada", "access_token": "t0ken-of-ada" })
}

async fn whoever_may_log_in_is_let_through_to_the_runner(world: &World) {
    let id = Admin::of(world).await.created(&json!({})).await;
    let key = key(world, Scope::All, Scope::All).await;
    let context = json!({ "provider": "gitea_actions", "sha": null });
    for (path, fields) in [
        (LOGIN, json!({ "credential_id": id })),
        (
            LOGIN,
            json!({ "credential_id": id, "run_id": "7", "run_context": context }),
        ),
        (DIRECT, direct()),
        (LOGOUT, json!({ "registry_url": "https://ghcr.io" })),
    ] {
        let answer = post(world, &key, path, fields).await;
        answer.is_error(409, "server_unreachable");
    }
}

async fn what_is_not_there_is_not_found(world: &World) {
    let id = Admin::of(world).await.created(&json!({})).await;
    let key = key(world, Scope::All, Scope::All).await;
    let unknown = json!({ "credential_id": world.ours.id.to_string() });
    post(world, &key, LOGIN, unknown)
        .await
        .is_error(404, "not_found");
    let theirs = world.theirs.server.to_string();
    let elsewhere = json!({ "credential_id": id, "server_id": theirs });
    post(world, &key, LOGIN, elsewhere)
        .await
        .is_error(404, "not_found");
    for path in [DIRECT, LOGOUT] {
        let answer = post(world, &key, path, json!({ "server_id": theirs })).await;
        answer.is_error(404, "not_found");
    }
    // Of another organization.
    let (foreign, _) = world
        .automation_key(&world.theirs, &OperationKind::ALL)
        .await;
    let body = json!({ "server_id": theirs, "credential_id": id });
    world
        .post(LOGIN, Some(&foreign), &body)
        .await
        .is_error(404, "not_found");
}

async fn a_server_out_of_scope_is_refused_before_the_credential(world: &World) {
    let id = Admin::of(world).await.created(&json!({})).await;
    let elsewhere = Scope::Only(vec![world.theirs.server]);
    let key = key(world, elsewhere, Scope::Only(Vec::new())).await;
    for (path, fields) in [
        (LOGIN, json!({ "credential_id": id })),
        (DIRECT, json!({})),
        (LOGOUT, json!({})),
    ] {
        let answer = post(world, &key, path, fields).await;
        answer.is_error(403, "server_not_in_scope");
    }
}

async fn a_key_with_a_list_uses_what_is_on_it_and_nothing_else(world: &World) {
    let admin = Admin::of(world).await;
    let listed = admin.created(&json!({})).await;
    let other = admin.created(&json!({})).await;
    let scope = Scope::Only(vec![listed.parse().unwrap()]);
    let key = key(world, Scope::All, scope).await;
    let listed = post(world, &key, LOGIN, json!({ "credential_id": listed })).await;
    listed.is_error(409, "server_unreachable");
    let other = post(world, &key, LOGIN, json!({ "credential_id": other })).await;
    other.is_error(403, "credential_not_in_scope");
    let detail = other.body["detail"].as_str().unwrap();
    assert!(detail.contains("credential not in scope"), "{detail}");
    // Before anything about the other fields is said.
    for fields in [direct(), json!({})] {
        let answer = post(world, &key, DIRECT, fields).await;
        answer.is_error(403, "credential_not_in_scope");
    }
    // Logging out takes nothing that could be listed.
    let logout = post(world, &key, LOGOUT, json!({ "registry_url": "ghcr.io" })).await;
    logout.is_error(409, "server_unreachable");
}

async fn a_removed_credential_never_widens_a_list(world: &World) {
    let admin = Admin::of(world).await;
    let listed = admin.created(&json!({})).await;
    let other = admin.created(&json!({})).await;
    let scope = Scope::Only(vec![listed.parse().unwrap()]);
    let key = key(world, Scope::All, scope).await;
    admin.ask(http::Method::DELETE, &listed, None).await;
    let gone = post(world, &key, LOGIN, json!({ "credential_id": listed })).await;
    gone.is_error(404, "not_found");
    let other = post(world, &key, LOGIN, json!({ "credential_id": other })).await;
    other.is_error(403, "credential_not_in_scope");
    let direct = post(world, &key, DIRECT, direct()).await;
    direct.is_error(403, "credential_not_in_scope");
}

async fn a_key_is_made_for_credentials_that_are_there(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let ours = world.ours.registry_credential.to_string();
    let theirs = world.theirs.registry_credential.to_string();
    let mut form = json!({
        "name": "ci", "all_servers": true, "operations": ["registry_login"],
        "registry_credential_ids": [ours, theirs], "expires_in": "30d",
    });
    let refused = world.post_as(&session, "/api/automation-keys", &form).await;
    refused.is_error(422, "invalid_request");
    let fields = refused.body["fields"].as_object().unwrap();
    let fields: Vec<_> = fields.keys().collect();
    assert_eq!(fields, ["registry_credential_ids[1]"]);
    form["registry_credential_ids"] = json!([ours]);
    let made = world.post_as(&session, "/api/automation-keys", &form).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let key = made.body["token"].as_str().unwrap();
    let login = post(world, key, LOGIN, json!({ "credential_id": ours })).await;
    login.is_error(409, "server_unreachable");
}

#[track_caller]
fn names(answer: &Answer, field: &str) {
    answer.is_error(422, "invalid_request");
    assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
}

async fn what_a_login_needs_is_named(world: &World) {
    let id = Admin::of(world).await.created(&json!({})).await;
    let key = key(world, Scope::All, Scope::All).await;
    names(&post(world, &key, LOGIN, json!({})).await, "credential_id");
    let wrong = json!({ "credential_id": "x" });
    names(&post(world, &key, LOGIN, wrong).await, "credential_id");
    let long = json!({ "credential_id": id, "run_id": "x".repeat(257) });
    names(&post(world, &key, LOGIN, long).await, "run_id");
    for path in [LOGIN, DIRECT, LOGOUT] {
        let wrong = json!({ "server_id": "x", "credential_id": id });
        names(&post(world, &key, path, wrong).await, "server_id");
    }
    names(&post(world, &key, LOGOUT, json!({})).await, "registry_url");
    let answer = post(world, &key, DIRECT, json!({})).await;
    for field in ["registry_url", "username", "access_token"] {
        names(&answer, field);
        for wrong in ["", "\0"] {
            let mut fields = direct();
            fields[field] = json!(wrong);
            names(&post(world, &key, DIRECT, fields).await, field);
        }
    }
    for (field, wrong) in [
        ("username", json!("a:b")),
        ("username", json!("a\nb")),
        ("access_token", json!("x".repeat(16 * 1024 + 1))),
        ("run_context", json!({ "sha": "x".repeat(1025) })),
    ] {
        let mut fields = direct();
        fields[field] = wrong;
        names(&post(world, &key, DIRECT, fields).await, field);
    }
}

async fn no_hostile_registry_reaches_a_server(world: &World) {
    let key = key(world, Scope::All, Scope::All).await;
    for hostile in hostile_registries() {
        let mut fields = direct();
        fields["registry_url"] = json!(hostile);
        names(
            &post(world, &key, DIRECT, fields.clone()).await,
            "registry_url",
        );
        names(&post(world, &key, LOGOUT, fields).await, "registry_url");
    }
}

async fn a_credential_without_a_user_name_is_named(world: &World) {
    let admin = Admin::of(world).await;
    let key = key(world, Scope::All, Scope::All).await;
    let id = admin.created(&json!({ "username": "" })).await;
    let nameless = post(world, &key, LOGIN, json!({ "credential_id": id })).await;
    names(&nameless, "credential_id");
    // Some registries give everybody the same one.
    for kind in ["aws_ecr", "gcr", "acr"] {
        let address = "registry.example.com";
        let fields = json!({ "username": null, "registry_type": kind, "registry_url": address });
        let id = admin.created(&fields).await;
        let answer = post(world, &key, LOGIN, json!({ "credential_id": id })).await;
        answer.is_error(409, "server_unreachable");
    }
}

async fn a_refusal_is_audited(world: &World) {
    let key = key(world, Scope::All, Scope::Only(Vec::new())).await;
    let refused = post(world, &key, DIRECT, direct()).await;
    refused.is_error(403, "credential_not_in_scope");
    world.control.write_refused_uses(true).await;
    let rows = world
        .store()
        .audit_events(Some(world.ours.id), 0, 100)
        .await
        .unwrap();
    let row = rows.last().unwrap();
    assert_eq!(row.detail["code"], "credential_not_in_scope");
    assert!(!format!("{row:?}").contains("t0ken"));
}
