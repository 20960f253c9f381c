//! Requests that no route takes: each its status, its code and a detail that says what to do.

use serde_json::json;

use crate::fixture::{Answer, Home, Request};

const EXEC: &str = "/api/automation/v1/exec";

#[test]
fn a_body_that_is_not_what_is_expected_is_refused_by_name() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let send = |body: &str| {
        let request = Request::new("POST", EXEC).bearer(&key.token);
        let request = request.header("Content-Type", "application/json");
        up.send(&request.body(body))
    };
    let refused = |body: &str| send(body).refused(422, "invalid_request");

    for malformed in ["", "{", "{\"server_id\": }", "not json", "\u{feff}{}"] {
        let detail = refused(malformed);
        assert!(detail.starts_with("body "), "{malformed:?}: {detail}");
    }
    let server = up.server();
    let good = json!({ "server_id": server, "command": "true" });
    assert!(refused(&format!("{good} {good}")).starts_with("body "));
    let missing = refused(&json!({ "server_id": server }).to_string());
    assert!(missing.starts_with("command "), "{missing}");
    let missing = refused(&json!({ "command": "true" }).to_string());
    assert!(missing.starts_with("server_id "), "{missing}");
    for (field, value) in [
        ("command", json!(["true"])),
        ("server_id", json!(7)),
        ("timeout_seconds", json!("60")),
        ("timeout_seconds", json!(1.5)),
        ("env", json!(["A=B"])),
        ("env", json!({ "A": 1 })),
        ("working_directory", json!({})),
        ("run_context", json!("cli")),
    ] {
        let mut body = json!({ "server_id": server, "command": "true" });
        body[field] = value;
        let detail = refused(&body.to_string());
        assert!(detail.starts_with(field), "{field}: {detail}");
    }
    for not_an_object in ["[]", "null", "7", "\"text\""] {
        refused(not_an_object);
    }
    let deep = "[".repeat(100_000);
    refused(&deep);
    refused(&format!("{{\"server_id\": {deep}"));

    // Clients of other versions send fields that we do not know.
    let answer = key
        .exec(&json!({ "command": "true", "of_another_version": 1 }))
        .ok();
    assert_eq!(answer["status"], "completed");
}

#[test]
fn a_body_that_is_too_large_gets_an_answer() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let huge = "x".repeat(20 * 1024 * 1024);
    let answer = key.exec(&json!({ "command": huge }));
    let detail = answer.refused(413, "payload_too_large");
    assert!(detail.contains("1024 KiB"), "{detail}");
    key.run("true").is("completed", 0);
}

#[test]
fn a_wrong_content_type_is_refused() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let body = json!({ "server_id": up.server(), "command": "true" }).to_string();
    let request = Request::new("POST", EXEC)
        .bearer(&key.token)
        .body(body.as_str());
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "nonsense",
        "",
    ] {
        let answer = up.send(&request.clone().header("Content-Type", kind));
        answer.refused(415, "unsupported_media_type");
    }
    up.send(&request).refused(415, "unsupported_media_type");
    let answer = up.send(&request.header("Content-Type", "application/json; charset=utf-8"));
    assert_eq!(answer.ok()["status"], "completed");
}

#[test]
fn a_wrong_method_a_wrong_path_and_a_wrong_host_are_told_apart() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let token = serve.integration().token;
    let allowed = |answer: &Answer| answer.header("Allow").unwrap_or_default().to_owned();

    let answer = serve.send(&Request::new("DELETE", "/api/servers").bearer(&token));
    answer.refused(405, "method_not_allowed");
    assert!(allowed(&answer).contains("GET"), "{answer:?}");
    let answer = serve.send(&Request::get(EXEC).bearer(&token));
    answer.refused(405, "method_not_allowed");
    assert_eq!(allowed(&answer), "POST");

    for path in [
        "/api/nothing",
        "/api/servers/x/y",
        "/mcp/nothing",
        "/nothing",
        "/../etc/passwd",
    ] {
        serve.send(&Request::get(path)).refused(404, "not_found");
    }

    let port = serve.url().rsplit(':').next().unwrap();
    for host in [
        "evil.example.com",
        "192.0.2.1:1",
        &format!("evil.example.com:{port}"),
    ] {
        for path in ["/api/servers", "/setup", "/nothing"] {
            let request = Request::get(path).bearer(&token).header("Host", host);
            serve.send(&request).refused(421, "unknown_host");
        }
    }
    let request = Request::get("/api/servers").bearer(&token);
    // The last are a tunnel's other end, such as that of `ssh -L 8080:localhost:7676`.
    for host in [
        &format!("localhost:{port}"),
        "localhost:8080",
        "127.0.0.1:8080",
    ] {
        serve.send(&request.clone().header("Host", host)).ok();
    }
}

#[test]
fn a_request_without_a_valid_key_is_refused() {
    let home = Home::new();
    let up = home.up();
    let (integration, automation) = (up.integration().token, up.automation().token);
    let ask = |authorization: Option<&str>, path: &str| {
        let request = Request::get(path);
        up.send(&match authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        })
    };
    let servers = "/api/servers";
    let answer = ask(None, servers);
    answer.refused(401, "missing_credentials");
    assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
    let changed = integration.replace(&integration[10..11], "-");
    let mut swapped = integration.clone();
    let last = if swapped.ends_with('0') { "1" } else { "0" };
    swapped.replace_range(swapped.len() - 1.., last);
    for wrong in [
        "rk_t_x",
        "x",
        &changed,
        &swapped,
        &format!("{integration}0"),
    ] {
        ask(Some(&format!("Bearer {wrong}")), servers).refused(401, "invalid_key");
    }
    // A key is never read from a URL, nor from a cookie.
    let in_url = format!("{servers}?token={integration}&access_token={integration}");
    ask(None, &in_url).refused(401, "missing_credentials");
    let cookie = Request::get(servers).header("Cookie", &format!("reoclo_session={integration}"));
    up.send(&cookie).refused(401, "session_expired");

    ask(Some(&format!("Bearer {automation}")), servers).refused(403, "wrong_key_type");
    ask(Some(&format!("bearer {integration}")), servers).ok();
}
