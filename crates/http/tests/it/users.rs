//! The people of an organization, and its settings.

use http::Method;
use reoclo_domain::{Acl, Cell, OperationKind, Preset, Role};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Answer, Session, World};

on_both_databases!(
    an_admin_adds_a_person_who_then_chooses_a_password,
    who_has_an_account_joins_with_it,
    a_key_neither_makes_nor_changes_admins_and_managers,
    a_key_never_receives_a_password,
    a_role_changes_at_the_next_request,
    removing_a_person_lists_the_keys_to_review,
    the_last_admin_stays,
    nobody_else_resets_a_password_that_is_good_elsewhere,
    a_reset_password_ends_the_sessions,
    wrong_fields_are_named,
    people_are_found_by_name_and_address,
    people_of_another_organization_are_not_found,
    an_admin_changes_the_organization,
    only_who_may_creates_organizations,
);

async fn admin(world: &World) -> Session {
    world.session_of(&world.ours, world.ours.admin).await
}

fn ada(role: &str) -> Value {
    json!({ "email": "Ada@Example.com", "name": "Ada", "role": role })
}

async fn sign_in(world: &World, password: &Value) -> Answer {
    let form = json!({ "email": "ada@example.com", "password": password });
    world.post("/api/auth/sign-in", None, &form).await
}

async fn an_admin_adds_a_person_who_then_chooses_a_password(world: &World) {
    let admin = admin(world).await;
    let added = world.post_as(&admin, "/api/users", &ada("developer")).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let user = &added.body["user"];
    assert_eq!(user["email"], "ada@example.com");
    assert_eq!(user["role"], "developer");
    assert_eq!(user["status"], "temporary_password");
    let password = &added.body["temporary_password"];
    let signed_in = sign_in(world, password).await;
    assert_eq!(signed_in.body["user"]["must_change_password"], true);
    let list = world.get_as(&admin, "/api/users").await;
    assert!(!list.body.to_string().contains(password.as_str().unwrap()));
    let again = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    again.is_error(409, "conflict");
}

async fn who_has_an_account_joins_with_it(world: &World) {
    let theirs = world.session_of(&world.theirs, world.theirs.admin).await;
    let added = world.post_as(&theirs, "/api/users", &ada("viewer")).await;
    let password = added.body["temporary_password"].clone();
    let joined = world
        .post_as(&admin(world).await, "/api/users", &ada("manager"))
        .await;
    assert_eq!(joined.status, 201, "{}", joined.body);
    assert!(joined.body["temporary_password"].is_null());
    assert_eq!(joined.body["user"]["id"], added.body["user"]["id"]);
    let signed_in = sign_in(world, &password).await;
    let organizations = signed_in.body["organizations"].as_array().unwrap();
    let roles: Vec<_> = organizations
        .iter()
        .map(|one| one["role"].clone())
        .collect();
    assert_eq!(roles, ["manager", "viewer"]);
}

async fn a_key_neither_makes_nor_changes_admins_and_managers(world: &World) {
    let key = world
        .integration_key(&world.ours, Preset::FullAccess, Role::Admin)
        .await;
    for role in ["admin", "manager"] {
        world
            .post("/api/users", Some(&key), &ada(role))
            .await
            .is_error(403, "wrong_key_type");
    }
    let manager = world.person(&world.ours, Role::Manager).await;
    let viewer = world.person(&world.ours, Role::Viewer).await;
    let change = async |user, body: Value| {
        let path = format!("/api/users/{user}");
        world
            .ask(&Method::PATCH, &path, Some(&key), Some(&body))
            .await
    };
    change(manager, json!({ "role": "viewer" }))
        .await
        .is_error(403, "wrong_key_type");
    change(viewer, json!({ "role": "admin" }))
        .await
        .is_error(403, "wrong_key_type");
    change(viewer, json!({ "may_create_organizations": true }))
        .await
        .is_error(403, "wrong_key_type");
    let done = change(viewer, json!({ "role": "developer" })).await;
    assert_eq!(done.body["role"], "developer");
    let path = format!("/api/users/{manager}");
    world
        .ask(&Method::DELETE, &path, Some(&key), None)
        .await
        .is_error(403, "wrong_key_type");
}

async fn a_key_never_receives_a_password(world: &World) {
    let preset = Preset::Custom(Acl::empty().with(Cell::USERS_WRITE));
    let key = world
        .integration_key(&world.ours, preset, Role::Admin)
        .await;
    let added = world.post("/api/users", Some(&key), &ada("viewer")).await;
    assert_eq!(added.status, 201, "{}", added.body);
    assert!(added.body["temporary_password"].is_null());
    assert_eq!(added.body["user"]["status"], "no_password");
    let id = added.body["user"]["id"].as_str().unwrap();
    let reset = format!("/api/users/{id}/reset-password");
    world
        .ask(&Method::POST, &reset, Some(&key), None)
        .await
        .is_error(403, "wrong_key_type");
    let given = world
        .ask_as(&admin(world).await, &Method::POST, &reset, None)
        .await;
    let signed_in = sign_in(world, &given.body["temporary_password"]).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
}

async fn a_role_changes_at_the_next_request(world: &World) {
    let admin = admin(world).await;
    let session = world.session(&world.ours, Role::Admin).await;
    let (key, _) = world
        .integration_key_of(&world.ours, Preset::FullAccess, session.user)
        .await;
    assert_eq!(
        world
            .post("/api/users", Some(&key), &ada("viewer"))
            .await
            .status,
        201
    );
    let path = format!("/api/users/{}", session.user);
    let body = json!({ "role": "viewer" });
    let changed = world
        .ask_as(&admin, &Method::PATCH, &path, Some(&body))
        .await;
    assert_eq!(changed.body["role"], "viewer");
    let new = json!({ "name": "web" });
    world
        .post_as(&session, "/api/servers", &new)
        .await
        .is_error(403, "permission_denied");
    world
        .post("/api/servers", Some(&key), &new)
        .await
        .is_error(403, "permission_denied");
}

async fn removing_a_person_lists_the_keys_to_review(world: &World) {
    let admin = admin(world).await;
    let user = world.person(&world.ours, Role::Manager).await;
    let (key, _) = world
        .integration_key_of(&world.ours, Preset::ReadOnly, user)
        .await;
    let (theirs, _) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let path = format!("/api/users/{user}");
    let removed = world.ask_as(&admin, &Method::DELETE, &path, None).await;
    assert_eq!(removed.status, 200, "{}", removed.body);
    assert_eq!(removed.body["integration_keys_stopped"], 1);
    // The other key was made by somebody else.
    assert_eq!(removed.body["automation_keys_to_review"], json!([]));
    world
        .get("/api/servers", Some(&key))
        .await
        .is_error(403, "permission_denied");
    assert_eq!(world.get("/api/keys/self", Some(&theirs)).await.status, 200);
    world
        .ask_as(&admin, &Method::DELETE, &path, None)
        .await
        .is_error(404, "not_found");
}

async fn the_last_admin_stays(world: &World) {
    let session = admin(world).await;
    let path = format!("/api/users/{}", session.user);
    let body = json!({ "role": "manager" });
    world
        .ask_as(&session, &Method::PATCH, &path, Some(&body))
        .await
        .is_error(409, "conflict");
    world
        .ask_as(&session, &Method::DELETE, &path, None)
        .await
        .is_error(409, "conflict");
    let second = world.session(&world.ours, Role::Admin).await;
    let done = world.ask_as(&second, &Method::DELETE, &path, None).await;
    assert_eq!(done.status, 200);
}

async fn nobody_else_resets_a_password_that_is_good_elsewhere(world: &World) {
    let admin = admin(world).await;
    let both = world.person(&world.ours, Role::Viewer).await;
    world
        .store()
        .add_member(world.theirs.id, both, Role::Admin, Vec::new())
        .await
        .unwrap();
    for user in [both, admin.user] {
        let path = format!("/api/users/{user}/reset-password");
        world
            .ask_as(&admin, &Method::POST, &path, None)
            .await
            .is_error(409, "conflict");
    }
}

async fn a_reset_password_ends_the_sessions(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let path = format!("/api/users/{}/reset-password", session.user);
    let given = world
        .ask_as(&admin(world).await, &Method::POST, &path, None)
        .await;
    assert!(given.body["temporary_password"].is_string());
    world
        .get_as(&session, "/api/servers")
        .await
        .is_error(401, "session_expired");
}

async fn wrong_fields_are_named(world: &World) {
    let admin = admin(world).await;
    for (field, value) in [
        ("email", json!("ada")),
        ("email", json!("ada@exa\u{202e}mple.com")),
        ("name", json!(" ")),
        ("role", json!("owner")),
        ("surname", json!("Lovelace")),
    ] {
        let mut body = ada("viewer");
        body[field] = value;
        let answer = world.post_as(&admin, "/api/users", &body).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
}

async fn people_are_found_by_name_and_address(world: &World) {
    let admin = admin(world).await;
    world.post_as(&admin, "/api/users", &ada("viewer")).await;
    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    for search in ["ada@example.com", "ADA", "a@exam"] {
        let path = format!("/mcp/tenants/{}/users?search={search}", world.ours.id);
        let found = world.get(&path, Some(&key)).await;
        let items = found.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{search}");
        assert_eq!(items[0]["email"], "ada@example.com");
    }
}

async fn people_of_another_organization_are_not_found(world: &World) {
    let admin = admin(world).await;
    let stranger = world.theirs.admin;
    let body = json!({ "role": "viewer" });
    for (method, rest, body) in [
        (Method::GET, "", None),
        (Method::PATCH, "", Some(&body)),
        (Method::DELETE, "", None),
        (Method::POST, "/reset-password", None),
    ] {
        let path = format!("/api/users/{stranger}{rest}");
        let answer = world.ask_as(&admin, &method, &path, body).await;
        answer.is_error(404, "not_found");
    }
    let list = world.get_as(&admin, "/api/users").await;
    assert!(!list.body.to_string().contains(&stranger.to_string()));
}

async fn an_admin_changes_the_organization(world: &World) {
    let admin = admin(world).await;
    let change = async |body: Value| {
        let path = "/api/organization";
        world
            .ask_as(&admin, &Method::PATCH, path, Some(&body))
            .await
    };
    let changed = change(json!({ "max_key_lifetime_days": 90 })).await;
    assert_eq!(changed.body["max_key_lifetime_days"], 90);
    let changed = change(json!({ "name": "Zoo" })).await;
    assert_eq!(changed.body["name"], "Zoo");
    assert_eq!(changed.body["max_key_lifetime_days"], 90);
    for (field, value) in [
        ("max_key_lifetime_days", json!(29)),
        ("max_key_lifetime_days", json!(4_000)),
        ("name", json!("")),
        ("slug", json!("zoo")),
    ] {
        let answer = change(json!({ field: value })).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
    change(json!({})).await.is_error(422, "invalid_request");
    let networks = json!(["10.0.0.5", "192.168.0.0/16", "10.0.0.5/32"]);
    let changed = change(json!({ "trusted_networks": networks })).await;
    let kept = json!(["10.0.0.5", "192.168.0.0/16"]);
    assert_eq!(changed.body["trusted_networks"], kept);
    let wrong = ["10.0.0.0/8", "169.254.169.254", "1.1.1.1", "x", "0.0.0.0/0"];
    let refused = change(json!({ "trusted_networks": wrong })).await;
    refused.is_error(422, "invalid_request");
    let problems = refused.body["fields"].as_object().unwrap();
    let says = |place: usize| problems[&format!("trusted_networks[{place}]")].to_string();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(says(1).contains("--allow-outbound"));
    assert!(says(2).contains("public network"));
    assert!(says(3).contains("neither an address nor a network"));
    assert!(says(4).contains("the part of it that is yours"));
    let log = world.get_as(&admin, "/api/audit-logs?limit=1").await;
    let detail = &log.body["items"][0]["detail"]["trusted_networks"];
    assert_eq!(detail, &json!({ "from": [], "to": kept }));
    let changed = change(json!({ "max_key_lifetime_days": null })).await;
    assert!(changed.body["max_key_lifetime_days"].is_null());
    let shown = world.get_as(&admin, "/api/organization").await;
    assert_eq!(shown.body, changed.body);
    let other = world.session_of(&world.theirs, world.theirs.admin).await;
    let shown = world.get_as(&other, "/api/organization").await;
    assert_eq!(shown.body["name"], "theirs");
}

async fn only_who_may_creates_organizations(world: &World) {
    let admin = admin(world).await;
    let new = json!({ "name": "The Zoo" });
    let create = async || world.post_as(&admin, "/api/organizations", &new).await;
    create().await.is_error(403, "permission_denied");
    world.let_create_organizations(admin.user).await;
    let created = create().await;
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.body["slug"], "the-zoo");
    create().await.is_error(409, "conflict");
    let switch = json!({ "organization": "the-zoo" });
    let switched = world.post_as(&admin, "/api/auth/switch", &switch).await;
    assert_eq!(switched.body["organization"]["role"], "admin");
}
