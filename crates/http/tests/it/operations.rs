//! `GET /api/operations` and what hangs below it.

use reoclo_domain::{Acl, Cell, OperationKind, Preset, Role};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    the_list_is_newest_first_in_pages_that_fit_together,
    filters_take_what_they_say_on_both_surfaces,
    a_wrong_filter_is_named,
    the_record_has_its_output_only_with_logs_read,
    an_operation_that_is_not_there_is_not_found,
    the_last_days_say_how_operations_ended,
    a_key_finds_its_own_operations_by_their_run,
);

const LIST: &str = "/api/operations";

async fn key_with(world: &World, cells: &[Cell]) -> String {
    let cells: Acl = cells.iter().copied().collect();
    world
        .integration_key(&world.ours, Preset::Custom(cells), Role::Admin)
        .await
}

async fn reader(world: &World) -> String {
    key_with(world, &[Cell::SERVERS_READ, Cell::LOGS_READ]).await
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn the_list_is_newest_first_in_pages_that_fit_together(world: &World) {
    let key = reader(world).await;
    let (_, starter) = world.automation_key(&world.ours, &[]).await;
    let mut begun = Vec::new();
    for _ in 0..5 {
        begun.push(world.operation(&world.ours, starter).await.to_string());
    }
    world.operation(&world.theirs, starter).await;
    begun.reverse();
    let mut path = format!("{LIST}?limit=2");
    let mut seen = Vec::new();
    loop {
        let page = world.get(&path, Some(&key)).await;
        assert_eq!(page.status, 200, "{}", page.body);
        seen.extend(ids(&page.body));
        // What begins meanwhile is on no later page.
        world.operation(&world.ours, starter).await;
        let Some(next) = page.body["next_before"].as_str() else {
            break;
        };
        path = format!("{LIST}?limit=2&before={next}");
    }
    assert_eq!(seen, begun);
}

async fn filters_take_what_they_say_on_both_surfaces(world: &World) {
    let key = reader(world).await;
    let (_, ci) = world.automation_key(&world.ours, &[]).await;
    let (_, other) = world.automation_key(&world.ours, &[]).await;
    let reoclo_store::KeyRef::Automation(other_id) = other else {
        unreachable!()
    };
    let plain = world.operation(&world.ours, ci).await.to_string();
    let ended = world.operation(&world.ours, ci).await;
    world.end(ended, b"x").await;
    let run = world
        .operation_with(&world.ours, ci, |new| {
            new.run_id = Some("7&status=x".into());
            new.run_context = Some(r#"{"provider":"cli"}"#.into());
        })
        .await
        .to_string();
    let reboot = world
        .operation_with(&world.ours, other, |new| new.kind = OperationKind::Reboot)
        .await
        .to_string();
    let (ended, server) = (ended.to_string(), world.ours.server);
    let all = vec![reboot.clone(), run.clone(), ended.clone(), plain.clone()];
    for (query, expected) in [
        (String::new(), all.clone()),
        (format!("server_id={server}"), all.clone()),
        ("operation_type=reboot".into(), vec![reboot.clone()]),
        ("status=completed".into(), vec![ended.clone()]),
        (
            "status=running".into(),
            vec![reboot.clone(), run.clone(), plain.clone()],
        ),
        ("run_id=7%26status%3Dx".into(), vec![run.clone()]),
        ("run_id=nobody's".into(), vec![]),
        (format!("starter={other_id}"), vec![reboot]),
        ("from=2026-01-01&to=2026-01-01".into(), all),
        ("from=2026-01-02".into(), vec![]),
        ("to=2025-12-31".into(), vec![]),
        (format!("server_id={}", world.theirs.server), vec![]),
    ] {
        let mcp = format!("/mcp/tenants/{}/operations/", world.ours.id);
        for path in [LIST, &mcp] {
            let page = world.get(&format!("{path}?{query}"), Some(&key)).await;
            assert_eq!(page.status, 200, "{query}: {}", page.body);
            assert_eq!(ids(&page.body), expected, "{path}?{query}");
        }
    }
    let page = world
        .get(&format!("{LIST}?status=running"), Some(&key))
        .await;
    assert_eq!(
        page.body["items"][1]["run_context"],
        json!({ "provider": "cli" })
    );
    assert_eq!(page.body["items"][1]["run_id"], "7&status=x");
}

/// As a client does whose first answer was lost.
async fn a_key_finds_its_own_operations_by_their_run(world: &World) {
    let (token, ci) = world.automation_key(&world.ours, &[]).await;
    let (foreign, other) = world.automation_key(&world.ours, &[]).await;
    let of_run = async |starter| {
        let begun = world.operation_with(&world.ours, starter, |new| {
            new.run_id = Some("shell-1&x".into());
        });
        begun.await.to_string()
    };
    let (first, second) = (of_run(ci).await, of_run(ci).await);
    world.operation(&world.ours, ci).await;
    let not_ours = of_run(other).await;
    for slash in ["", "/"] {
        let path = format!("/api/automation/v1/operations{slash}?run_id=shell-1%26x");
        let found = world.get(&path, Some(&token)).await;
        assert_eq!(found.status, 200, "{}", found.body);
        let items = found.body["items"].as_array().unwrap();
        let ids: Vec<_> = items.iter().map(|item| &item["operation_id"]).collect();
        assert_eq!(ids, [second.as_str(), first.as_str()]);
        assert_eq!(items[0]["run_id"], "shell-1&x");
        assert_eq!(items[0]["status"], "running");
        let found = world.get(&path, Some(&foreign)).await;
        assert_eq!(found.body["items"][0]["operation_id"], not_ours);
        assert_eq!(found.body["items"].as_array().unwrap().len(), 1);
    }
    let list = "/api/automation/v1/operations";
    let nothing = world.get(&format!("{list}?run_id=x"), Some(&token)).await;
    assert_eq!(
        (nothing.status.as_u16(), &nothing.body["items"]),
        (200, &json!([]))
    );
    for query in ["", "?run_id="] {
        let refused = world.get(&format!("{list}{query}"), Some(&token)).await;
        assert_eq!(refused.status, 422, "{query}: {}", refused.body);
    }
}

async fn a_wrong_filter_is_named(world: &World) {
    let key = reader(world).await;
    for (field, value) in [
        ("server_id", "web-1"),
        ("operation_type", "dance"),
        ("status", "queued"),
        ("run_id", "a%00b"),
        ("starter", "'%20OR%201=1"),
        ("from", "yesterday"),
        ("to", "2026-13-01"),
        ("before", "1"),
        ("before", "1.x"),
        ("before", "x.0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa"),
        ("limit", "0"),
        ("limit", "201"),
    ] {
        let answer = world
            .get(&format!("{LIST}?{field}={value}"), Some(&key))
            .await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
}

async fn the_record_has_its_output_only_with_logs_read(world: &World) {
    let (_, starter) = world.automation_key(&world.ours, &[]).await;
    let id = world.operation(&world.ours, starter).await;
    world.end(id, b"top\xffsecret").await;
    let path = format!("{LIST}/{id}");

    let whole = world.get(&path, Some(&reader(world).await)).await.body;
    assert_eq!(whole["operation_id"], id.to_string());
    assert_eq!(whole["server_name"], "web 1 of ours");
    assert_eq!(whole["starter"]["type"], "automation_key");
    assert_eq!(whole["output_hidden"], false);
    assert_eq!(whole["result"]["stdout"], "top\u{fffd}secret");
    assert_eq!(whole["result"]["duration_ms"], 2);

    let blind = key_with(world, &[Cell::SERVERS_READ]).await;
    for path in [path, LIST.to_owned()] {
        let answer = world.get(&path, Some(&blind)).await;
        let text = answer.body.to_string();
        assert!(!text.contains("secret"), "{text}");
        let record = answer
            .body
            .get("items")
            .map_or(&answer.body, |items| &items[0]);
        assert_eq!(record["output_hidden"], true);
        assert_eq!(record["result"]["exit_code"], 0);
        assert!(record["result"]["stdout"].is_null());
        assert!(record["result"]["stderr"].is_null());
        assert_eq!(record["result"]["stdout_bytes"], 10);
    }
}

async fn an_operation_that_is_not_there_is_not_found(world: &World) {
    let key = reader(world).await;
    let (_, starter) = world.automation_key(&world.theirs, &[]).await;
    let theirs = world.operation(&world.theirs, starter).await.to_string();
    let server = world.ours.server.to_string();
    for id in ["nonsense", "%ff", "%00", "..", &server, &theirs] {
        let answer = world.get(&format!("{LIST}/{id}"), Some(&key)).await;
        answer.is_error(404, "not_found");
    }
}

async fn the_last_days_say_how_operations_ended(world: &World) {
    let key = world
        .integration_key(&world.ours, Preset::ReadOnly, Role::Viewer)
        .await;
    let (_, starter) = world.automation_key(&world.ours, &[]).await;
    for _ in 0..3 {
        let id = world.operation(&world.ours, starter).await;
        world.end(id, b"").await;
    }
    world.operation(&world.ours, starter).await;
    let path = "/api/operations/daily";
    for _ in 0..2 {
        let body = world.get(path, Some(&key)).await.body;
        let days = body["days"].as_array().unwrap();
        assert_eq!(days.len(), 14);
        let today = json!({ "day": "2026-01-01", "completed": 3, "failed": 0, "timeout": 0 });
        assert_eq!(days[13], today);
        let before = json!({ "day": "2025-12-31", "completed": 0, "failed": 0, "timeout": 0 });
        assert_eq!(days[12], before);
        world.clock.advance(std::time::Duration::from_mins(2));
        world.control.operations().count_by_day().await;
    }
    let body = world
        .get("/api/operations/daily?days=1", Some(&key))
        .await
        .body;
    assert_eq!(body["days"].as_array().unwrap().len(), 1);
    for wrong in ["0", "367", "x"] {
        let answer = world.get(&format!("{path}?days={wrong}"), Some(&key)).await;
        answer.is_error(422, "invalid_request");
    }
    let theirs = world
        .integration_key(&world.theirs, Preset::ReadOnly, Role::Viewer)
        .await;
    let body = world.get(path, Some(&theirs)).await.body;
    assert_eq!(body["days"][13]["completed"], 0);
}
