//! What every request gets, whatever it asks for.

use axum::body::Body;
use http::{Method, Request, Version};
use reoclo_domain::OperationKind;
use serde_json::json;

use crate::on_both_databases;
use crate::world::{HOST, World};

const EXEC: &str = "/api/automation/v1/exec";

on_both_databases!(
    bad_requests_have_their_codes,
    a_body_that_is_too_large_is_refused,
    a_foreign_host_is_refused_everywhere,
    an_enrolment_without_a_good_token_is_refused,
    probes_answer_without_a_key,
    probes_answer_whatever_the_host_and_say_nothing_else,
);

async fn raw(world: &World, content_type: Option<&str>, body: impl Into<Body>) -> (u16, String) {
    let (key, _) = world
        .automation_key(&world.ours, &[OperationKind::Exec])
        .await;
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(EXEC)
        .header("host", HOST)
        .header("authorization", format!("Bearer {key}"));
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let answer = world.send(request.body(body.into()).unwrap()).await;
    assert!(answer.body["detail"].is_string() && answer.body["request_id"].is_string());
    (answer.status.as_u16(), answer.code().to_owned())
}

async fn bad_requests_have_their_codes(world: &World) {
    let json = Some("application/json");
    let invalid = (422, "invalid_request".to_owned());
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{\"server_id\":1}",
        "\u{feff}{}",
        "{}{}",
    ] {
        assert_eq!(raw(world, json, body).await, invalid, "{body}");
    }
    assert_eq!(raw(world, json, vec![0xff, 0xfe]).await, invalid);
    let media_type = (415, "unsupported_media_type".to_owned());
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
    ] {
        assert_eq!(raw(world, content_type, "{}").await, media_type);
    }
    let utf8 = Some("application/json; charset=utf-8");
    assert_eq!(raw(world, utf8, "{}").await, invalid);

    let wrong_method = world.get(EXEC, None).await;
    wrong_method.is_error(405, "method_not_allowed");
    assert_eq!(wrong_method.headers["allow"], "POST");
    world
        .get("/nothing/here", None)
        .await
        .is_error(404, "not_found");
    world
        .get("/api/extra/servers", None)
        .await
        .is_error(404, "not_found");
    world
        .get("/runner/v1/connect", None)
        .await
        .is_error(400, "bad_request");
}

async fn a_body_that_is_too_large_is_refused(world: &World) {
    let json = Some("application/json");
    let large = (413, "payload_too_large".to_owned());
    assert_eq!(raw(world, json, vec![b' '; 20 * 1024 * 1024]).await, large);
    assert_eq!(raw(world, json, vec![b' '; 1024 * 1024 + 1]).await, large);
    assert_eq!(raw(world, json, vec![b' '; 1024 * 1024]).await.0, 422);
}

async fn a_foreign_host_is_refused_everywhere(world: &World) {
    for path in ["/api/servers", EXEC, "/runner/v1/connect", "/nothing"] {
        for host in ["evil.example", "evil.example:7676", "192.0.2.1:7676", ""] {
            let request = Request::builder().uri(path).header("host", host);
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            answer.is_error(421, "unknown_host");
        }
    }
}

async fn an_enrolment_without_a_good_token_is_refused(world: &World) {
    let (automation, _) = world.automation_key(&world.ours, &OperationKind::ALL).await;
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    for token in ["", "ren_", automation.as_str()] {
        let body = json!({ "token": token, "public_key": key, "hostname": "h", "version": "1" });
        let answer = world.post("/runner/v1/enrol", None, &body).await;
        answer.is_error(422, "invalid_request");
        assert!(answer.body["fields"]["token"].is_string());
    }
}

async fn probes_answer_whatever_the_host_and_say_nothing_else(world: &World) {
    for (path, body) in [
        ("/healthz", json!({ "status": "ok" })),
        ("/readyz", json!({ "status": "ready" })),
    ] {
        for hosts in [&[][..], &["10.0.0.5:8080"], &["evil.example"], &["a", "b"]] {
            for version in [Version::HTTP_10, Version::HTTP_11] {
                let mut request = Request::builder().uri(path).version(version);
                for host in hosts {
                    request = request.header("host", *host);
                }
                let answer = world.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, 200, "{path} {hosts:?}");
                assert_eq!(answer.body, body);
            }
        }
    }
}

async fn probes_answer_without_a_key(world: &World) {
    assert_eq!(world.get("/healthz", None).await.body["status"], "ok");
    assert_eq!(world.get("/readyz", None).await.body["status"], "ready");
    world.control.drain().begin();
    assert_eq!(world.get("/readyz", None).await.status, 503);
    assert_eq!(world.get("/healthz", None).await.status, 200);
}
