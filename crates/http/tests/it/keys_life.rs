//! What happens to keys of both kinds: use, revocation, duplicates, replacement, expiry.

use std::time::Duration;

use http::{Method, Request};
use reoclo_domain::{Clock, Role};
use serde_json::{Value, json};

use crate::keys_integration::{form, limit_lifetimes, made, path, text};
use crate::on_both_databases;
use crate::world::{Answer, HOST, Session, World};

const INTEGRATION: &str = "/api/integration-keys";
const AUTOMATION: &str = "/api/automation-keys";
const DAY: Duration = Duration::from_hours(24);

on_both_databases!(
    a_revoked_key_is_refused_and_keeps_its_first_moment,
    a_duplicate_has_the_same_permissions_and_another_token,
    a_duplicate_lives_as_long_as_the_original_was_made_to,
    a_duplicate_is_bounded_by_the_role_of_whoever_makes_it,
    a_replaced_key_is_refused_and_the_new_one_works,
    only_a_key_that_is_not_revoked_is_replaced,
    a_page_shows_who_still_uses_a_key,
    a_key_that_expires_soon_says_so,
    an_organization_sees_nothing_of_another,
    the_three_verbs_take_nothing_at_all,
);

/// A new key of either kind, and where its kind is managed.
async fn create(world: &World, session: &Session, kind: &'static str) -> Value {
    let body = if kind == INTEGRATION {
        form("laptop")
    } else {
        json!({
            "name": "ci", "all_servers": true, "operations": ["exec", "deploy"],
            "expires_in": "90d", "ip_allowlist": ["127.0.0.0/8"], "rate_limit_per_minute": 50,
        })
    };
    made(world.post_as(session, kind, &body).await)
}

async fn act(world: &World, session: &Session, kind: &str, key: &Value, verb: &str) -> Answer {
    let path = path(kind, key, verb);
    world.ask_as(session, &Method::POST, &path, None).await
}

/// Asks for something that the key may do.
async fn using(world: &World, kind: &str, key: &Value) -> Answer {
    let token = Some(text(&key["token"]));
    if kind == INTEGRATION {
        return world.get("/api/servers", token).await;
    }
    let body = json!({ "server_id": world.ours.server.to_string(), "command": "true" });
    world.post("/api/automation/v1/exec", token, &body).await
}

/// The status of an accepted use.
fn accepted(kind: &str) -> u16 {
    if kind == INTEGRATION { 200 } else { 409 }
}

async fn a_revoked_key_is_refused_and_keeps_its_first_moment(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    for kind in [INTEGRATION, AUTOMATION] {
        let key = create(world, &session, kind).await;
        assert_eq!(using(world, kind, &key).await.status, accepted(kind));
        let revoked = act(world, &session, kind, &key, "/revoke").await.body;
        assert_eq!(revoked["status"], "revoked");
        assert!(revoked["revoked_at"].is_string());
        using(world, kind, &key).await.is_error(401, "key_revoked");
        world.clock.advance(Duration::from_secs(5));
        let again = act(world, &session, kind, &key, "/revoke").await;
        assert_eq!(again.status, 200);
        assert_eq!(again.body["revoked_at"], revoked["revoked_at"]);
    }
}

async fn a_duplicate_has_the_same_permissions_and_another_token(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    let other = world.session(&world.ours, Role::Admin).await;
    for kind in [INTEGRATION, AUTOMATION] {
        let key = create(world, &session, kind).await;
        world.clock.advance(Duration::from_secs(1));
        let copy = made(act(world, &other, kind, &key, "/duplicate").await);
        for both in [&key, &copy] {
            assert_eq!(using(world, kind, both).await.status, accepted(kind));
        }
        let own = ["token", "id", "prefix", "created_at", "expires_at"];
        let of_creator = ["created_by", "created_by_email", "created_by_name"];
        for (field, value) in key.as_object().unwrap() {
            let differs = own.contains(&field.as_str()) || of_creator.contains(&field.as_str());
            let may_differ = field == "effective_permissions";
            assert!(
                may_differ || (copy[field] != *value) == differs,
                "{field}: {copy}"
            );
        }
        assert_eq!(copy["created_by"], other.user.to_string());
    }
}

async fn a_duplicate_lives_as_long_as_the_original_was_made_to(world: &World) {
    let user = world.person(&world.ours, Role::Manager).await;
    let session = world.session_of(&world.ours, user).await;
    let mut never = form("never");
    never["expires_in"] = json!("never");
    let never = made(world.post_as(&session, INTEGRATION, &never).await);
    let key = create(world, &session, INTEGRATION).await;
    let revoked = create(world, &session, INTEGRATION).await;
    act(world, &session, INTEGRATION, &revoked, "/revoke").await;

    world.clock.advance(DAY * 100);
    let session = world.session_of(&world.ours, user).await;
    let shown = world.get_as(&session, &path(INTEGRATION, &key, "")).await;
    assert_eq!(shown.body["status"], "expired");
    using(world, INTEGRATION, &key)
        .await
        .is_error(401, "key_expired");
    let end = |days| json!(world.clock.now().plus(DAY * days).to_string());
    for ended in [&key, &revoked] {
        let copy = made(act(world, &session, INTEGRATION, ended, "/duplicate").await);
        assert_eq!(copy["expires_at"], end(90));
        assert_eq!(using(world, INTEGRATION, &copy).await.status, 200);
    }
    let copy = made(act(world, &session, INTEGRATION, &never, "/duplicate").await);
    assert_eq!(copy["expires_at"], Value::Null);

    limit_lifetimes(world, Some(45)).await;
    for long in [&never, &key] {
        let copy = made(act(world, &session, INTEGRATION, long, "/duplicate").await);
        assert_eq!(copy["expires_at"], end(45));
        assert_eq!(copy["exceeds_maximum_lifetime"], false);
    }
}

async fn a_duplicate_is_bounded_by_the_role_of_whoever_makes_it(world: &World) {
    let user = world.person(&world.ours, Role::Manager).await;
    let session = world.session_of(&world.ours, user).await;
    let mut custom = form("custom");
    custom["preset"] = json!("custom");
    custom["permissions"] = json!({ "servers": ["read", "execute"] });
    let custom = made(world.post_as(&session, INTEGRATION, &custom).await);
    let mut full = form("full");
    full["preset"] = json!("full_access");
    let full = made(world.post_as(&session, INTEGRATION, &full).await);
    let demoted = Some(Role::Developer);
    let demoted = world
        .store()
        .set_role(world.ours.id, user, demoted, Vec::new());
    demoted.await.unwrap();

    for verb in ["/duplicate", "/replace"] {
        let refused = act(world, &session, INTEGRATION, &custom, verb).await;
        refused.is_error(422, "invalid_request");
        let problem = text(&refused.body["fields"]["permissions.servers"]);
        assert!(problem.contains("servers:execute"), "{problem}");
    }
    let shown = world
        .get_as(&session, &path(INTEGRATION, &custom, ""))
        .await;
    assert_eq!(shown.body["status"], "active", "nothing was done");
    let copy = made(act(world, &session, INTEGRATION, &full, "/duplicate").await);
    assert_eq!(copy["preset"], "full_access");
    assert_eq!(copy["effective_permissions"]["servers"], json!(["read"]));
}

async fn a_replaced_key_is_refused_and_the_new_one_works(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    for kind in [INTEGRATION, AUTOMATION] {
        let old = create(world, &session, kind).await;
        assert_eq!(using(world, kind, &old).await.status, accepted(kind));
        let new = made(act(world, &session, kind, &old, "/replace").await);
        using(world, kind, &old).await.is_error(401, "key_revoked");
        assert_eq!(using(world, kind, &new).await.status, accepted(kind));
        let shown = world.get_as(&session, &path(kind, &old, "")).await.body;
        assert_eq!(shown["status"], "revoked");
    }
}

async fn only_a_key_that_is_not_revoked_is_replaced(world: &World) {
    let user = world.person(&world.ours, Role::Manager).await;
    let session = world.session_of(&world.ours, user).await;
    for kind in [INTEGRATION, AUTOMATION] {
        let key = create(world, &session, kind).await;
        // Of two who replace it together one gets a new key.
        let (first, second) = tokio::join!(
            act(world, &session, kind, &key, "/replace"),
            act(world, &session, kind, &key, "/replace"),
        );
        let (won, lost) = if first.status == 201 {
            (first, second)
        } else {
            (second, first)
        };
        lost.is_error(409, "conflict");
        let new = made(won);
        act(world, &session, kind, &key, "/replace")
            .await
            .is_error(409, "conflict");
        assert_eq!(using(world, kind, &new).await.status, accepted(kind));
    }
    let key = create(world, &session, INTEGRATION).await;
    world.clock.advance(DAY * 91);
    let session = world.session_of(&world.ours, user).await;
    let new = made(act(world, &session, INTEGRATION, &key, "/replace").await);
    assert_eq!(using(world, INTEGRATION, &new).await.status, 200);
}

/// Uses an integration key with a client of that name.
async fn visit(world: &World, token: &str, agent: &str) {
    let request = Request::get("/api/servers")
        .header("host", HOST)
        .header("user-agent", agent)
        .header("authorization", format!("Bearer {token}"));
    let request = request.body(axum::body::Body::empty()).unwrap();
    assert_eq!(world.send(request).await.status, 200);
}

async fn a_page_shows_who_still_uses_a_key(world: &World) {
    let user = world.person(&world.ours, Role::Developer).await;
    let session = world.session_of(&world.ours, user).await;
    let key = create(world, &session, INTEGRATION).await;
    let token = text(&key["token"]);
    let first = world.clock.now();
    for agent in ["curl", "curl", "cursor"] {
        visit(world, token, agent).await;
    }
    world.clock.advance(DAY);
    visit(world, token, "an editor").await;
    world.control.write_key_uses(true).await;
    let session = world.session_of(&world.ours, user).await;
    let shown = world.get_as(&session, &path(INTEGRATION, &key, "")).await;
    let last = world.clock.now();
    assert_eq!(
        shown.body["usage"],
        json!([{
            "ip": "127.0.0.1",
            "user_agent": "an editor",
            "count": 4,
            "first_used_at": first.to_string(),
            "last_used_at": last.to_string(),
        }])
    );
    assert_eq!(shown.body["last_used_at"], last.to_string());
    assert_eq!(shown.body["last_used_ip"], "127.0.0.1");
    assert_eq!(shown.body["last_used_user_agent"], "an editor");
    let listed = world.get_as(&session, INTEGRATION).await.body;
    assert_eq!(listed[0]["last_used_at"], last.to_string());
    assert!(listed[0].get("usage").is_none());
}

async fn a_key_that_expires_soon_says_so(world: &World) {
    const HEADER: &str = "x-reoclo-key-expires";
    world.clock.advance(Duration::from_secs(1));
    let user = world.person(&world.ours, Role::Manager).await;
    let session = world.session_of(&world.ours, user).await;
    let keys = [
        (INTEGRATION, create(world, &session, INTEGRATION).await),
        (AUTOMATION, create(world, &session, AUTOMATION).await),
    ];
    // A second before there are 14 days left.
    world.clock.advance(DAY * 75);
    world
        .clock
        .advance(DAY.saturating_sub(Duration::from_secs(1)));
    for (kind, key) in &keys {
        let answer = using(world, kind, key).await;
        assert!(!answer.headers.contains_key(HEADER));
    }
    world.clock.advance(Duration::from_secs(1));
    let session = world.session_of(&world.ours, user).await;
    for (kind, key) in &keys {
        let end = &key["expires_at"];
        let answer = using(world, kind, key).await;
        assert_eq!(answer.headers[HEADER], text(end));
        // Also where something else is refused.
        let token = Some(text(&key["token"]));
        let wrong = world.get(INTEGRATION, token).await;
        wrong.is_error(403, "wrong_key_type");
        assert_eq!(wrong.headers[HEADER], text(end));
        let shown = world.get_as(&session, &path(kind, key, "")).await;
        assert_eq!(shown.body["expires_soon"], true);
        assert!(!shown.headers.contains_key(HEADER));
    }
    world.clock.advance(DAY * 14);
    for (kind, key) in &keys {
        let answer = using(world, kind, key).await;
        answer.is_error(401, "key_expired");
        assert!(!answer.headers.contains_key(HEADER));
    }
    let session = world.session_of(&world.ours, user).await;
    let listed = world.get_as(&session, AUTOMATION).await.body;
    assert_eq!(listed[0]["expires_soon"], false);
    assert_eq!(listed[0]["status"], "expired");
}

async fn an_organization_sees_nothing_of_another(world: &World) {
    let (ours, theirs) = (
        world.session(&world.ours, Role::Admin).await,
        world.session(&world.theirs, Role::Admin).await,
    );
    for kind in [INTEGRATION, AUTOMATION] {
        let key = create(world, &ours, kind).await;
        let listed = world.get_as(&theirs, kind).await.body;
        assert!(!listed.to_string().contains(text(&key["id"])));
        let foreign = world.get_as(&theirs, &path(kind, &key, "")).await;
        foreign.is_error(404, "not_found");
        for verb in ["/revoke", "/duplicate", "/replace"] {
            let foreign = act(world, &theirs, kind, &key, verb).await;
            foreign.is_error(404, "not_found");
        }
        let after = format!("{kind}?before={}", text(&key["id"]));
        let listed = world.get_as(&theirs, &after).await.body;
        assert!(!listed.to_string().contains(&world.ours.id.to_string()));
        assert_eq!(using(world, kind, &key).await.status, accepted(kind));
    }
}

async fn the_three_verbs_take_nothing_at_all(world: &World) {
    let session = world.session(&world.ours, Role::Manager).await;
    for verb in ["/duplicate", "/replace", "/revoke"] {
        let key = create(world, &session, INTEGRATION).await;
        let path = path(INTEGRATION, &key, verb);
        // What is not understood is not ignored.
        let more = json!({ "label": "other" });
        let refused = world.post_as(&session, &path, &more).await;
        refused.is_error(422, "invalid_request");
        assert!(refused.body["fields"]["label"].is_string());
        // No body and no content type; and an empty object does no harm.
        let nothing = world.ask_as(&session, &Method::POST, &path, None).await;
        assert!(nothing.status.is_success(), "{}", nothing.body);
        if verb != "/replace" {
            let empty = world.post_as(&session, &path, &json!({})).await;
            assert!(empty.status.is_success(), "{}", empty.body);
        }
    }
}
