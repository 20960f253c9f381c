//! The people of an organization, and its settings.

use http::Method;
use reoclo_domain::{Acl, Cell, OperationKind, Preset, Role};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Answer, Session, World};

on_both_databases!(
    who_is_invited_chooses_a_password_and_is_a_member,
    until_they_accept_nothing_of_theirs_changes,
    who_has_an_account_joins_with_its_password,
    a_link_ends_after_seven_days_and_with_another,
    an_account_without_a_password_is_not_taken_over,
    a_key_neither_makes_nor_changes_admins_and_managers,
    a_key_never_receives_a_link_or_a_password,
    a_revoked_key_lists_the_people_whom_it_added,
    a_password_that_is_guessed_soon_is_refused,
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

const CHOSEN: &str = "violet-heron-lamp-31";

/// The token of the link that an admin was shown.
#[track_caller]
fn token(invited: &Answer) -> String {
    let link = invited.body["link"].as_str();
    let link = link.unwrap_or_else(|| panic!("{}", invited.body));
    let (page, token) = link.split_once("/invitation?token=").unwrap();
    assert_eq!(page, format!("http://{}", crate::world::HOST));
    token.to_owned()
}

async fn accept(world: &World, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "name": "Ada L.", "password": password });
    world.post("/api/auth/invitation/accept", None, &body).await
}

/// Somebody of theirs with an account, who can sign in with [`CHOSEN`].
async fn ada_of_theirs(world: &World, role: &str) {
    let theirs = world.session_of(&world.theirs, world.theirs.admin).await;
    let invited = world.post_as(&theirs, "/api/users", &ada(role)).await;
    let accepted = accept(world, &token(&invited), CHOSEN).await;
    assert_eq!(accepted.status, 201, "{}", accepted.body);
}

async fn who_is_invited_chooses_a_password_and_is_a_member(world: &World) {
    let admin = admin(world).await;
    let invited = world.post_as(&admin, "/api/users", &ada("developer")).await;
    assert_eq!(invited.status, 201, "{}", invited.body);
    assert_eq!(invited.body["status"], "invited");
    assert_eq!(invited.body["email"], "ada@example.com");
    assert_eq!(invited.body["role"], "developer");
    let token = token(&invited);
    let users = async || world.get_as(&admin, "/api/users").await.body.to_string();
    assert!(!users().await.contains("ada@example.com"));
    let list = world.get_as(&admin, "/api/invitations").await.body;
    assert_eq!(list["items"][0]["id"], invited.body["id"]);
    assert!(!list.to_string().contains(&token));
    let again = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    again.is_error(409, "conflict");

    let look = json!({ "token": token });
    let seen = world.post("/api/auth/invitation", None, &look).await;
    assert_eq!(seen.body["organization"], "ours");
    assert_eq!(seen.body["has_account"], false);
    let weak = accept(world, &token, "short").await;
    weak.is_error(422, "invalid_request");
    assert!(weak.body["fields"]["password"].is_string());
    let accepted = accept(world, &token, CHOSEN).await;
    assert_eq!(accepted.status, 201, "{}", accepted.body);
    let again = accept(world, &token, CHOSEN).await;
    assert!(again.body["fields"]["token"].is_string(), "{}", again.body);

    let signed_in = sign_in(world, &json!(CHOSEN)).await;
    assert_eq!(signed_in.body["user"]["must_change_password"], false);
    assert_eq!(signed_in.body["user"]["name"], "Ada L.");
    assert_eq!(signed_in.body["organization"]["role"], "developer");
    assert!(users().await.contains("ada@example.com"));
    let list = world.get_as(&admin, "/api/invitations").await.body;
    assert_eq!(list["items"], json!([]));
    let again = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    again.is_error(409, "conflict");
    let log = world.get_as(&admin, "/api/audit-logs").await.body;
    let actions: Vec<_> = log["items"].as_array().unwrap().iter().collect();
    let actions: Vec<_> = actions.iter().map(|row| row["action"].as_str()).collect();
    assert!(actions.contains(&Some("user.invite")) && actions.contains(&Some("user.join")));
}

async fn until_they_accept_nothing_of_theirs_changes(world: &World) {
    ada_of_theirs(world, "viewer").await;
    let admin = admin(world).await;
    let invited = world.post_as(&admin, "/api/users", &ada("manager")).await;
    assert_eq!(invited.body["status"], "invited");
    // Their own name and id are not told.
    assert_eq!(invited.body["name"], "Ada");
    let signed_in = sign_in(world, &json!(CHOSEN)).await;
    let organizations = signed_in.body["organizations"].as_array().unwrap();
    assert_eq!(organizations.len(), 1);
    assert_eq!(signed_in.body["organization"]["slug"], "theirs");
    // Failed sign-ins stay out of our log, and their admin can still reset the password.
    sign_in(world, &json!("wrong horse battery")).await;
    world.control.write_refused_uses(true).await;
    let rows = async |of| -> usize {
        let rows = world.store().audit_events(Some(of), 0, 100).await.unwrap();
        let refused = rows.iter().filter(|row| {
            row.action == "user.sign_in" && row.outcome == reoclo_store::AuditOutcome::Refused
        });
        refused.count()
    };
    assert_eq!(rows(world.ours.id).await, 0);
    assert_eq!(rows(world.theirs.id).await, 1);
    let theirs = world.session_of(&world.theirs, world.theirs.admin).await;
    let user = signed_in.body["user"]["id"].as_str().unwrap();
    let reset = format!("/api/users/{user}/reset-password");
    let reset = world.ask_as(&theirs, &Method::POST, &reset, None).await;
    assert_eq!(reset.status, 200, "{}", reset.body);
}

async fn who_has_an_account_joins_with_its_password(world: &World) {
    ada_of_theirs(world, "viewer").await;
    sign_in(world, &json!(CHOSEN)).await;
    let admin = admin(world).await;
    let invited = world.post_as(&admin, "/api/users", &ada("manager")).await;
    let token = token(&invited);
    let look = json!({ "token": token });
    let seen = world.post("/api/auth/invitation", None, &look).await;
    assert_eq!(seen.body["has_account"], true);
    // Whoever has the link alone, such as our admin, cannot join as them.
    for guess in ["wrong horse battery", "violet-heron-lamp-32"] {
        let refused = accept(world, &token, guess).await;
        refused.is_error(422, "invalid_request");
        assert!(refused.body["fields"]["password"].is_string());
    }
    let accepted = accept(world, &token, CHOSEN).await;
    assert_eq!(accepted.status, 201, "{}", accepted.body);
    let signed_in = sign_in(world, &json!(CHOSEN)).await;
    assert_eq!(signed_in.body["user"]["name"], "Ada L.");
    let organizations = signed_in.body["organizations"].as_array().unwrap();
    let roles: Vec<_> = organizations
        .iter()
        .map(|one| one["role"].clone())
        .collect();
    assert_eq!(roles, ["manager", "viewer"]);
    // They land where they were last, not where the slug is first.
    assert_eq!(signed_in.body["organization"]["slug"], "theirs");
    let form = json!({
        "email": "ada@example.com", "password": CHOSEN, "organization": "ours"
    });
    world.post("/api/auth/sign-in", None, &form).await;
    let signed_in = sign_in(world, &json!(CHOSEN)).await;
    assert_eq!(signed_in.body["organization"]["slug"], "ours");
    // Neither admin sets a password that is good in the other's organization.
    let user = signed_in.body["user"]["id"].as_str().unwrap();
    let reset = format!("/api/users/{user}/reset-password");
    let theirs = world.session_of(&world.theirs, world.theirs.admin).await;
    for admin in [&admin, &theirs] {
        let refused = world.ask_as(admin, &Method::POST, &reset, None).await;
        refused.is_error(409, "conflict");
    }
}

async fn a_link_ends_after_seven_days_and_with_another(world: &World) {
    let admin = admin(world).await;
    let invited = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    let first = token(&invited);
    let path = format!("/api/invitations/{}", invited.body["id"].as_str().unwrap());
    let link = format!("{path}/link");
    let renewed = world.ask_as(&admin, &Method::POST, &link, None).await;
    let second = token(&renewed);
    assert_ne!(first, second);
    let is_dead = async |token: &str| {
        let answer = accept(world, token, CHOSEN).await;
        answer.body["fields"]["token"].is_string()
    };
    assert!(is_dead(&first).await);
    world.clock.advance(std::time::Duration::from_hours(7 * 24));
    assert!(is_dead(&second).await);
    let admin = world.session_of(&world.ours, world.ours.admin).await;
    let list = world.get_as(&admin, "/api/invitations").await.body;
    assert_eq!(list["items"][0]["status"], "expired");
    // One that is over is in nobody's way.
    let invited = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    let third = token(&invited);
    let path = format!("/api/invitations/{}", invited.body["id"].as_str().unwrap());
    let withdrawn = world.ask_as(&admin, &Method::DELETE, &path, None).await;
    assert_eq!(withdrawn.status, 204);
    assert!(is_dead(&third).await);
    let stranger = world.session_of(&world.theirs, world.theirs.admin).await;
    let invited = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    let path = format!("/api/invitations/{}", invited.body["id"].as_str().unwrap());
    for (method, path) in [
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/link")),
    ] {
        let answer = world.ask_as(&stranger, &method, &path, None).await;
        answer.is_error(404, "not_found");
    }
    assert!(!is_dead(&token(&invited)).await);
}

async fn an_account_without_a_password_is_not_taken_over(world: &World) {
    // As a key once added people: an account of theirs that nobody has a password for.
    let theirs = world.person(&world.theirs, Role::Admin).await;
    let admin = admin(world).await;
    let email = format!("{theirs}@people.example");
    let body = json!({ "email": email, "name": "Eve", "role": "viewer" });
    let invited = world.post_as(&admin, "/api/users", &body).await;
    let token = token(&invited);
    accept(world, &token, CHOSEN)
        .await
        .is_error(409, "conflict");
    // Once it is nobody's, whoever is invited claims it.
    let gone = world
        .store()
        .set_role(world.theirs.id, theirs, None, vec![]);
    gone.await.unwrap();
    assert_eq!(accept(world, &token, CHOSEN).await.status, 201);
    let form = json!({ "email": email, "password": CHOSEN });
    let signed_in = world.post("/api/auth/sign-in", None, &form).await;
    assert_eq!(signed_in.body["organization"]["slug"], "ours");
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

async fn a_key_never_receives_a_link_or_a_password(world: &World) {
    let preset = Preset::Custom(Acl::empty().with(Cell::USERS_WRITE));
    let key = world
        .integration_key(&world.ours, preset, Role::Admin)
        .await;
    let invited = world.post("/api/users", Some(&key), &ada("viewer")).await;
    assert_eq!(invited.status, 201, "{}", invited.body);
    assert_eq!(invited.body["status"], "invited");
    assert!(invited.body["link"].is_null());
    let id = invited.body["id"].as_str().unwrap();
    let link = format!("/api/invitations/{id}/link");
    let reset = format!("/api/users/{}/reset-password", world.ours.viewer);
    for path in [&link, &reset] {
        world
            .ask(&Method::POST, path, Some(&key), None)
            .await
            .is_error(403, "wrong_key_type");
    }
    // An admin who is signed in is shown the link.
    let shown = world
        .ask_as(&admin(world).await, &Method::POST, &link, None)
        .await;
    assert_eq!(accept(world, &token(&shown), CHOSEN).await.status, 201);
    let given = world
        .ask_as(&admin(world).await, &Method::POST, &reset, None)
        .await;
    assert!(given.body["temporary_password"].is_string());
}

async fn a_revoked_key_lists_the_people_whom_it_added(world: &World) {
    let preset = Preset::Custom(Acl::empty().with(Cell::USERS_WRITE));
    let key = world
        .integration_key(&world.ours, preset, Role::Admin)
        .await;
    let admin = admin(world).await;
    let keys = world.get_as(&admin, "/api/integration-keys").await.body;
    let keys = keys.as_array().unwrap();
    let made = keys.iter().find(|made| made["preset"] == "custom").unwrap();
    let path = format!("/api/integration-keys/{}", made["id"].as_str().unwrap());
    assert_eq!(world.get_as(&admin, &path).await.body["people"], json!([]));

    let invited = world.post("/api/users", Some(&key), &ada("viewer")).await;
    let link = format!(
        "/api/invitations/{}/link",
        invited.body["id"].as_str().unwrap()
    );
    let shown = world.ask_as(&admin, &Method::POST, &link, None).await;
    assert_eq!(accept(world, &token(&shown), CHOSEN).await.status, 201);
    let bob = json!({ "email": "bob@example.com", "name": "Bob", "role": "developer" });
    let open = world.post("/api/users", Some(&key), &bob).await;
    let eve = json!({ "email": "eve@example.com", "name": "Eve", "role": "developer" });
    world.post_as(&admin, "/api/users", &eve).await;

    let is_told = |body: &Value| {
        let people = body["people"].as_array().unwrap();
        assert_eq!(people.len(), 2, "{body}");
        assert_eq!(people[0]["status"], "member");
        assert_eq!(people[0]["email"], "ada@example.com");
        assert_eq!(people[0]["role"], "viewer");
        assert_eq!(people[1]["status"], "invited");
        assert_eq!(people[1]["id"], open.body["id"]);
        assert_eq!(people[1]["email"], "bob@example.com");
    };
    is_told(&world.get_as(&admin, &path).await.body);
    let revoke = format!("{path}/revoke");
    let revoked = world.ask_as(&admin, &Method::POST, &revoke, None).await;
    assert_eq!(revoked.body["status"], "revoked");
    is_told(&revoked.body);

    // Who is removed, or whose invitation is withdrawn, is told no more.
    let person = revoked.body["people"][0]["id"].as_str().unwrap();
    let invitation = open.body["id"].as_str().unwrap();
    for gone in [
        format!("/api/users/{person}"),
        format!("/api/invitations/{invitation}"),
    ] {
        let answer = world.ask_as(&admin, &Method::DELETE, &gone, None).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    let revoked = world.ask_as(&admin, &Method::POST, &revoke, None).await;
    assert_eq!(revoked.body["people"], json!([]));
}

async fn a_password_that_is_guessed_soon_is_refused(world: &World) {
    let admin = admin(world).await;
    let invited = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    let token = token(&invited);
    for weak in [
        "passwordpassword",
        "            ",
        "qwertyuiop12",
        "ada@example.com",
    ] {
        let refused = accept(world, &token, weak).await;
        refused.is_error(422, "invalid_request");
        let problem = refused.body["fields"]["password"].as_str().unwrap();
        assert!(
            problem.contains("four or more words"),
            "{weak:?}: {problem}"
        );
    }
    assert_eq!(accept(world, &token, CHOSEN).await.status, 201);
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
        .create_member(world.theirs.id, both, Role::Admin, Vec::new())
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
    let invited = world.post_as(&admin, "/api/users", &ada("viewer")).await;
    accept(world, &token(&invited), CHOSEN).await;
    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    for search in ["ada@example.com", "ADA@E", "a@exam"] {
        let path = format!("/mcp/tenants/{}/users?search={search}", world.ours.id);
        let found = world.get(&path, Some(&key)).await;
        let items = found.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{search}");
        assert_eq!(items[0]["email"], "ada@example.com");
    }
    // Whoever has exactly the address is first, also before names that come first.
    let other = json!({ "email": "a.ada@example.com", "name": "Aaron", "role": "viewer" });
    let invited = world.post_as(&admin, "/api/users", &other).await;
    let body = json!({ "token": token(&invited), "name": "Aaron", "password": CHOSEN });
    let path = "/api/auth/invitation/accept";
    assert_eq!(world.post(path, None, &body).await.status, 201);
    let path = format!(
        "/mcp/tenants/{}/users?search=ADA@example.com",
        world.ours.id
    );
    let found = world.get(&path, Some(&key)).await.body;
    assert_eq!(found["items"].as_array().unwrap().len(), 2);
    assert_eq!(found["items"][0]["email"], "ada@example.com");
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
