//! `GET /api/audit-logs`.

use std::collections::BTreeSet;

use reoclo_domain::{AuditEventId, Preset, Role};
use reoclo_store::{Actor, ActorKind, AuditOutcome, NewAuditEvent, RequestSource, Resource};
use reoclo_testkit::RealEntropy;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::{Organization, World};

const LOGS: &str = "/api/audit-logs";

on_both_databases!(
    a_row_has_every_field_that_clients_read,
    both_dialects_and_surfaces_answer_the_same,
    pages_hang_together_while_rows_are_added,
    before_seq_walks_the_log_exactly,
    two_clients_with_other_filters_do_not_disturb_each_other,
    filters_take_what_they_name,
    an_action_is_found_by_its_first_part,
    what_cannot_be_read_is_named,
    only_the_keys_own_organization_shows,
    a_refused_key_is_in_the_log,
);

async fn reader(world: &World) -> String {
    world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await
}

async fn append(world: &World, of: &Organization, rows: usize) {
    let events = (0..rows).map(|number| NewAuditEvent {
        id: AuditEventId::new(&*world.clock, &RealEntropy),
        organization: Some(of.id),
        at: world.control.clock().now(),
        actor: Actor {
            kind: ActorKind::User,
            id: Some(of.admin.as_uuid()),
            label: "ada".into(),
        },
        source: RequestSource {
            ip: Some("192.0.2.7".parse().unwrap()),
            user_agent: Some("curl/8".into()),
            via: None,
            request_id: None,
        },
        action: if number % 2 == 0 { "even" } else { "odd" },
        resource: Resource {
            kind: "server",
            id: Some(of.server.to_string()),
            name: Some("web".into()),
        },
        outcome: AuditOutcome::Success,
        detail: json!({ "number": number }),
    });
    world.store().append_audit(events.collect()).await.unwrap();
}

async fn ask(world: &World, key: &str, query: &str) -> Value {
    let answer = world.get(&format!("{LOGS}?{query}"), Some(key)).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.body);
    answer.body
}

fn seqs(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["seq"].as_i64().unwrap())
        .collect()
}

async fn a_row_has_every_field_that_clients_read(world: &World) {
    append(world, &world.ours, 1).await;
    let page = ask(world, &reader(world).await, "").await;
    assert_eq!(page["total"], 1);
    assert_eq!((&page["page"], &page["page_size"]), (&json!(1), &json!(50)));
    assert_eq!(page["as_of"], 1);
    assert!(page["next_before_seq"].is_null());
    let item = &page["items"][0];
    assert_eq!(item["seq"], 1);
    assert!(item["id"].is_string() && item["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(item["actor_id"], world.ours.admin.to_string());
    assert_eq!(item["actor_type"], "user");
    assert_eq!(item["actor_name"], "ada");
    assert_eq!(item["action"], "even");
    assert_eq!(item["resource_type"], "server");
    assert_eq!(item["resource_id"], world.ours.server.to_string());
    assert_eq!(item["resource_name"], "web");
    assert_eq!(item["outcome"], "success");
    assert_eq!(item["ip"], "192.0.2.7");
    assert_eq!(item["user_agent"], "curl/8");
    assert_eq!(item["detail"]["number"], 0);
    let email = format!("{}@people.example", world.ours.admin);
    assert_eq!(item["actor_email"], email);
    assert!(item.as_object().unwrap()["request_id"].is_null());
}

async fn both_dialects_and_surfaces_answer_the_same(world: &World) {
    append(world, &world.ours, 3).await;
    let key = reader(world).await;
    let page = ask(world, &key, "page=1&page_size=2").await;
    assert_eq!(page, ask(world, &key, "limit=2&action=").await);
    assert_eq!(seqs(&page), [3, 2]);
    let tenant = format!("/mcp/tenants/{}", world.ours.id);
    for path in [
        format!("{LOGS}/?limit=2"),
        format!("{tenant}/audit-logs?limit=2&shiny_new_filter=1"),
        format!("{tenant}/audit-logs/?page=1&page_size=2"),
    ] {
        assert_eq!(world.get(&path, Some(&key)).await.body, page, "{path}");
    }
    // A filter that is not known is refused, and published clients may send one, or a large limit.
    let unknown = format!("{LOGS}?shiny_new_filter=1&actor=x");
    let refused = world.get(&unknown, Some(&key)).await;
    refused.is_error(422, "invalid_request");
    for name in ["shiny_new_filter", "actor"] {
        assert!(refused.body["fields"][name].is_string(), "{}", refused.body);
    }
    let large = world.get(&format!("{LOGS}?limit=201"), Some(&key)).await;
    large.is_error(422, "invalid_request");
    let large = format!("{tenant}/audit-logs?limit=100000");
    assert_eq!(world.get(&large, Some(&key)).await.body["page_size"], 200);
    let servers = world.get("/api/servers", Some(&key)).await.body;
    for slash in ["", "/"] {
        let path = format!("{tenant}/servers{slash}");
        assert_eq!(world.get(&path, Some(&key)).await.body, servers);
    }
    for tid in [world.theirs.id.to_string(), "ours".into(), "%ff".into()] {
        let path = format!("/mcp/tenants/{tid}/servers");
        world
            .get(&path, Some(&key))
            .await
            .is_error(404, "not_found");
    }
}

async fn pages_hang_together_while_rows_are_added(world: &World) {
    append(world, &world.ours, 10).await;
    let key = reader(world).await;
    let mut seen = Vec::new();
    for page in 1..=4 {
        let answer = ask(world, &key, &format!("page={page}&page_size=3")).await;
        assert_eq!(
            (&answer["total"], &answer["as_of"]),
            (&json!(10), &json!(10))
        );
        seen.extend(seqs(&answer));
        append(world, &world.ours, 2).await;
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
    let stated = ask(world, &key, "page=2&page_size=3&as_of=9").await;
    assert_eq!(seqs(&stated), [6, 5, 4]);
    assert_eq!(
        seqs(&ask(world, &key, "page=1&page_size=3").await),
        [18, 17, 16]
    );
}

async fn before_seq_walks_the_log_exactly(world: &World) {
    append(world, &world.ours, 10).await;
    let key = reader(world).await;
    let mut seen = Vec::new();
    let mut query = "limit=4&action=even".to_owned();
    loop {
        let answer = ask(world, &key, &query).await;
        seen.extend(seqs(&answer));
        append(world, &world.ours, 2).await;
        let Some(next) = answer["next_before_seq"].as_i64() else {
            break;
        };
        query = format!("limit=4&action=even&before_seq={next}");
    }
    assert_eq!(seen, [9, 7, 5, 3, 1]);
}

async fn two_clients_with_other_filters_do_not_disturb_each_other(world: &World) {
    append(world, &world.ours, 6).await;
    let (one, other) = (reader(world).await, reader(world).await);
    assert_eq!(seqs(&ask(world, &one, "page_size=2").await), [6, 5]);
    append(world, &world.ours, 2).await;
    assert_eq!(seqs(&ask(world, &other, "page_size=2").await), [8, 7]);
    assert_eq!(
        seqs(&ask(world, &one, "page_size=2&action=odd").await),
        [8, 6]
    );
    assert_eq!(seqs(&ask(world, &one, "page_size=2&page=2").await), [4, 3]);
    assert_eq!(
        seqs(&ask(world, &other, "page_size=2&page=2").await),
        [6, 5]
    );
}

async fn an_action_is_found_by_its_first_part(world: &World) {
    let key = reader(world).await;
    let names = [
        "operation.start",
        "operation.end",
        "operations.other",
        "operation_x.start",
        "key.create",
    ];
    for action in names {
        append_done(world, action).await;
    }
    for (filter, found) in [
        ("operation", &names[..2]),
        ("operation.*", &names[..2]),
        ("operation*", &names[..4]),
        ("operation.start", &names[..1]),
        ("operation.s*", &names[..1]),
        ("operation.", &[]),
        ("operation.sta", &[]),
        ("oper", &[]),
        ("OPERATION", &[]),
        ("%25", &[]),
        ("operation_", &[]),
        ("*", &names[..]),
    ] {
        let page = ask(world, &key, &format!("action={filter}")).await;
        let items = page["items"].as_array().unwrap().iter();
        let mut actions: Vec<_> = items.map(|item| item["action"].as_str().unwrap()).collect();
        actions.reverse();
        assert_eq!(actions, found, "{filter}");
        assert_eq!(page["total"], found.len(), "{filter}");
    }
}

async fn append_done(world: &World, action: &'static str) {
    let event = NewAuditEvent {
        id: AuditEventId::new(&*world.clock, &RealEntropy),
        organization: Some(world.ours.id),
        at: world.control.clock().now(),
        actor: Actor {
            kind: ActorKind::System,
            id: None,
            label: "system".into(),
        },
        source: RequestSource::default(),
        action,
        resource: Resource {
            kind: "server",
            id: None,
            name: None,
        },
        outcome: AuditOutcome::Success,
        detail: json!({}),
    };
    world.store().append_audit(vec![event]).await.unwrap();
}

async fn filters_take_what_they_name(world: &World) {
    append(world, &world.ours, 4).await;
    let key = reader(world).await;
    let admin = world.ours.admin;
    let server = world.ours.server;
    for (query, found) in [
        (format!("actor_id={admin}"), 4),
        ("actor_id=system".into(), 0),
        (format!("actor_id={server}"), 0),
        ("actor_id=nobody@example.com".into(), 0),
        ("actor_id=nobody".into(), 0),
        (format!("actor_id={admin}@people.example"), 4),
        (format!("actor_id={}@people.example", world.theirs.admin), 0),
        (format!("key_id={admin}"), 0),
        ("action=odd".into(), 2),
        ("resource_type=server".into(), 4),
        (format!("resource_type=server&resource_id={server}"), 4),
        ("resource_type=user".into(), 0),
        ("outcome=success".into(), 4),
        ("outcome=refused".into(), 0),
        ("ip=192.0.2.7".into(), 4),
        ("ip=::ffff:192.0.2.7".into(), 4),
        ("ip=192.0.2.8".into(), 0),
        ("from_date=2026-01-01&to_date=2026-01-01".into(), 4),
        ("from=2026-01-02".into(), 0),
        ("to=2025-12-31".into(), 0),
        (
            "from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z".into(),
            4,
        ),
        ("from=2026-01-01T01:00:00+01:00".into(), 4),
        ("to=2026-01-01T00:30:00%2B01:00".into(), 0),
    ] {
        let page = ask(world, &key, &query).await;
        assert_eq!(
            (page["total"].as_u64(), seqs(&page).len()),
            (Some(found as u64), found),
            "{query}"
        );
    }
}

async fn what_cannot_be_read_is_named(world: &World) {
    let key = reader(world).await;
    for (field, value) in [
        ("page", "0"),
        ("page", "x"),
        ("page", "99999999999999999999"),
        ("page_size", "201"),
        ("page_size", "0"),
        ("limit", "-1"),
        ("as_of", "soon"),
        ("before_seq", "1.5"),
        ("actor_id", "a%00b"),
        ("key_id", "rk_t_x"),
        ("outcome", "odd"),
        ("ip", "localhost"),
        ("from", "yesterday"),
        ("from_date", "2026-13-01"),
        ("to", "2026-01-01T99:00:00Z"),
        ("to_date", "01/02/2026"),
        ("action", "a%00b"),
        ("resource_id", "%00"),
    ] {
        let path = format!("{LOGS}?{field}={value}");
        let answer = world.get(&path, Some(&key)).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
    let both = format!("{LOGS}?page=2&before_seq=5");
    let answer = world.get(&both, Some(&key)).await;
    assert!(answer.body["fields"]["page"].is_string());
}

async fn only_the_keys_own_organization_shows(world: &World) {
    append(world, &world.ours, 2).await;
    append(world, &world.theirs, 3).await;
    let theirs = world
        .integration_key(&world.theirs, Preset::FullAccess, Role::Admin)
        .await;
    let (ours, theirs) = (
        ask(world, &reader(world).await, "").await,
        ask(world, &theirs, "").await,
    );
    assert_eq!((&ours["total"], &theirs["total"]), (&json!(2), &json!(3)));
    let actors = |page: &Value| -> BTreeSet<String> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["actor_id"].to_string())
            .collect()
    };
    assert!(actors(&ours).is_disjoint(&actors(&theirs)));
    let query = format!("actor_id={}", world.theirs.admin);
    assert_eq!(ask(world, &reader(world).await, &query).await["total"], 0);
}

async fn a_refused_key_is_in_the_log(world: &World) {
    let (goes, id) = world
        .integration_key_of(&world.ours, Preset::FullAccess, world.ours.admin)
        .await;
    world.revoke(&world.ours, id).await;
    world
        .get(LOGS, Some(&goes))
        .await
        .is_error(401, "key_revoked");
    world.control.write_refused_uses(false).await;
    let query = format!("outcome=refused&key_id={}", id.as_uuid());
    let page = ask(world, &reader(world).await, &query).await;
    let item = &page["items"][0];
    assert_eq!(item["action"], "key.refused");
    assert_eq!(item["actor_type"], "integration_key");
    assert_eq!(item["resource_type"], "integration_key");
    assert_eq!(item["detail"]["permission"], "audit_logs:read");
    assert_eq!(item["ip"], "127.0.0.1");
}
