//! What watches the process, and what describes it.

use serde_json::{Value, json};

use crate::fixture::{Client, Home, Request, free_port, wait_until};

#[test]
fn probes_and_the_document_are_for_everyone() {
    let home = Home::new();
    let up = home.up();
    for (path, word) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let answer = up.send(&Request::get(path)).ok();
        assert_eq!(answer, json!({ "status": word }));
        let foreign = Request::get(path).header("Host", "10.0.0.5:8080");
        assert_eq!(up.send(&foreign).status, 200);
    }

    let document = up.send(&Request::get("/api/openapi.json")).ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    for (path, method) in [
        ("/api/servers", "get"),
        ("/api/automation/v1/exec", "post"),
        ("/api/automation/v1/operations/{operation_id}", "get"),
    ] {
        assert!(
            document["paths"][path][method].is_object(),
            "{method} {path}"
        );
    }
}

#[test]
fn metrics_have_a_listener_of_their_own() {
    let home = Home::new();
    let address = format!("127.0.0.1:{}", free_port());
    let up = home.up_with(&["--metrics-listen", &address]);
    up.automation().run("true").is("completed", 0);
    let metrics = Client::new(&format!("http://{address}"));
    let show = || metrics.send(&Request::get("/metrics"));
    let kind = show().header("Content-Type").unwrap().to_owned();
    assert!(kind.starts_with("text/plain"), "{kind}");
    for line in ["reoclo_connected_runners 1", "reoclo_running_operations 0"] {
        wait_until(line, || show().text().lines().any(|shown| shown == line));
    }

    up.send(&Request::get("/metrics")).refused(404, "not_found");
    let wrong = Request::get("/api/servers").bearer(&up.integration().token);
    metrics.send(&wrong).refused(404, "not_found");
}

#[test]
fn a_server_is_listed_with_its_facts() {
    let home = Home::new();
    let up = home.up();
    let servers = up.integration().servers().ok();
    let server = &servers[0];
    for text in [
        "id",
        "slug",
        "name",
        "hostname",
        "status",
        "runner_version",
        "created_at",
    ] {
        assert!(
            !server[text].as_str().unwrap().is_empty(),
            "{text}: {server}"
        );
    }
    for number in ["cpu_cores", "ram_mb", "disk_gb"] {
        assert!(server[number].as_i64() > Some(0), "{number}: {server}");
    }
    assert_eq!(server["connection_type"], "runner");
    assert_eq!(server["public_ip"], Value::Null);
    assert!(server["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(server["status"], "active");
}
