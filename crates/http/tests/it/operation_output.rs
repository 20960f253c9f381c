//! Logs and events: who may read them, and for how long.

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use reoclo_domain::{Acl, Cell, OperationId, OperationKind, Preset, Role};
use reoclo_store::KeyRef;
use tokio::time::timeout;

use crate::on_both_databases;
use crate::world::{HOST, World};

on_both_databases!(
    a_key_reads_only_what_it_started,
    others_need_the_record_and_the_logs,
    what_cannot_be_read_is_named,
    a_log_is_bytes_from_an_offset_on,
    a_stream_ends_within_a_second_of_a_revoke,
    a_stream_ends_when_the_key_expires,
    a_stream_ends_when_its_owner_is_demoted,
    a_stream_of_what_has_ended_ends_itself,
);

fn request(path: &str, token: &str) -> http::request::Builder {
    Request::builder()
        .uri(path)
        .header("host", HOST)
        .header("authorization", format!("Bearer {token}"))
}

async fn open(world: &World, path: &str, token: &str) -> Response<Body> {
    let request = request(path, token).body(Body::empty()).unwrap();
    world.open(request).await
}

/// An operation that a new key has started.
async fn started(world: &World) -> (String, KeyRef, OperationId) {
    let (token, key) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let id = world.operation(&world.ours, key).await;
    (token, key, id)
}

fn own(id: OperationId, what: &str) -> String {
    format!("/api/automation/v1/operations/{id}/{what}")
}

async fn a_key_reads_only_what_it_started(world: &World) {
    let (token, _, id) = started(world).await;
    world.end(id, b"hello").await;
    let (other, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    for what in ["logs", "events"] {
        let path = own(id, what);
        assert_eq!(open(world, &path, &token).await.status(), 200);
        let answer = world.get(&path, Some(&other)).await;
        answer.is_error(404, "not_found");
    }
}

async fn others_need_the_record_and_the_logs(world: &World) {
    let (_, _, id) = started(world).await;
    world.end(id, b"hello").await;
    let key = async |cells: &[Cell]| {
        let cells: Acl = cells.iter().copied().collect();
        let preset = Preset::Custom(cells);
        world
            .integration_key(&world.ours, preset, Role::Viewer)
            .await
    };
    let both = key(&[Cell::SERVERS_READ, Cell::LOGS_READ]).await;
    let mcp = format!("/mcp/tenants/{}/operations/{id}", world.ours.id);
    for surface in [format!("/api/operations/{id}"), mcp] {
        for what in ["logs", "events"] {
            let path = format!("{surface}/{what}");
            assert_eq!(open(world, &path, &both).await.status(), 200);
            for (lacking, missing) in [
                (key(&[Cell::SERVERS_READ]).await, "logs:read"),
                (key(&[Cell::LOGS_READ]).await, "servers:read"),
            ] {
                let answer = world.get(&path, Some(&lacking)).await;
                answer.is_error(403, "permission_denied");
                assert_eq!(answer.body["missing"], missing);
            }
        }
    }
}

async fn what_cannot_be_read_is_named(world: &World) {
    let (token, _, id) = started(world).await;
    world.end(id, b"hello").await;
    for (field, value) in [
        ("stream", "stdin"),
        ("stream", "../stdout"),
        ("offset", "-1"),
        ("offset", "1e9"),
        ("offset", "99999999999999999999"),
    ] {
        let path = format!("{}?{field}={value}", own(id, "logs"));
        let answer = world.get(&path, Some(&token)).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"][field].is_string(), "{}", answer.body);
    }
    for last in [
        "x",
        "1",
        "1-",
        "-1-2",
        "1-2\u{e9}",
        "99999999999999999999-0",
    ] {
        let request = request(&own(id, "events"), &token)
            .header("last-event-id", last.as_bytes())
            .body(Body::empty());
        let answer = world.send(request.unwrap()).await;
        answer.is_error(422, "invalid_request");
    }
}

async fn a_log_is_bytes_from_an_offset_on(world: &World) {
    let (token, _, id) = started(world).await;
    world.end(id, b"h\xffllo\0").await;
    for (query, expected) in [
        ("", &b"h\xffllo\0"[..]),
        ("?stream=stdout&offset=2", b"llo\0"),
        ("?offset=6", b""),
        ("?offset=60", b""),
        ("?stream=stderr", b""),
    ] {
        let answer = open(world, &(own(id, "logs") + query), &token).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/octet-stream");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, expected, "{query}");
    }
}

async fn next_text(body: &mut Body) -> Option<String> {
    let frame = timeout(Duration::from_secs(10), body.frame())
        .await
        .unwrap()?;
    let data = frame.unwrap().into_data().unwrap();
    Some(String::from_utf8(data.to_vec()).unwrap())
}

/// The stream says why it ends and then ends, within a second.
async fn ends_with(mut body: Body, code: &str) {
    let ended = async {
        let mut last = String::new();
        while let Some(text) = next_text(&mut body).await {
            last = text;
        }
        last
    };
    let last = timeout(Duration::from_secs(1), ended).await;
    let last = last.expect("it ends within a second");
    assert!(
        last.starts_with("event: error\n") && last.contains(code),
        "{last}"
    );
}

async fn a_stream_ends_within_a_second_of_a_revoke(world: &World) {
    let (token, key, id) = started(world).await;
    let mut body = open(world, &own(id, "events"), &token).await.into_body();
    assert!(
        next_text(&mut body)
            .await
            .unwrap()
            .contains("event: status")
    );
    world.revoke(&world.ours, key).await;
    ends_with(body, "key_revoked").await;
}

async fn a_stream_ends_when_the_key_expires(world: &World) {
    let (token, key, id) = started(world).await;
    let mut body = open(world, &own(id, "events"), &token).await.into_body();
    assert!(
        next_text(&mut body)
            .await
            .unwrap()
            .contains("event: status")
    );
    world.expire(&world.ours, key).await;
    ends_with(body, "key_expired").await;
}

async fn a_stream_ends_when_its_owner_is_demoted(world: &World) {
    let (_, _, id) = started(world).await;
    let user = world.person(&world.ours, Role::Viewer).await;
    let (token, _) = world
        .integration_key_of(&world.ours, Preset::ReadOnly, user)
        .await;
    let path = format!("/api/operations/{id}/events");
    let mut body = open(world, &path, &token).await.into_body();
    assert!(
        next_text(&mut body)
            .await
            .unwrap()
            .contains("event: status")
    );
    let removed = world
        .store()
        .set_role(world.ours.id, user, None, Vec::new());
    removed.await.unwrap();
    ends_with(body, "permission_denied").await;
}

async fn a_stream_of_what_has_ended_ends_itself(world: &World) {
    let (token, _, id) = started(world).await;
    let mut body = open(world, &own(id, "events"), &token).await.into_body();
    assert!(
        next_text(&mut body)
            .await
            .unwrap()
            .contains("event: status")
    );
    // As another process would.
    world.end(id, "zwölf".as_bytes()).await;
    let mut text = String::new();
    while let Some(more) = next_text(&mut body).await {
        text += &more;
    }
    assert!(text.contains(r#""text":"zwölf""#), "{text}");
    assert!(text.contains("event: end"), "{text}");
}
