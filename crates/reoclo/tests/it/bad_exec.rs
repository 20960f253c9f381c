//! Execs that cannot be run: each names the field that is wrong, and nothing runs.

use serde_json::{Value, json};

use crate::fixture::{Database, Home, Request};

#[test]
fn every_limit_names_its_field() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let ran = home.path("ran");
    let touch = format!("touch '{}'", ran.display());
    let many: serde_json::Map<_, _> = (0..201).map(|n| (format!("V{n}"), json!("x"))).collect();
    for (field, value) in [
        ("server_id", json!("not-a-uuid")),
        ("server_id", json!("")),
        ("server_id", json!(up.line["server"]["slug"])),
        ("timeout_seconds", json!(0)),
        ("timeout_seconds", json!(901)),
        ("timeout_seconds", json!(-1)),
        ("timeout_seconds", json!(u64::MAX)),
        ("command", json!("x".repeat(8_193))),
        ("command", json!("")),
        ("command", json!("echo a\0b")),
        ("env", Value::Object(many)),
        ("env", json!({ "A=B": "x" })),
        ("env", json!({ "A\0B": "x" })),
        ("env", json!({ "": "x" })),
        ("env", json!({ "A": "x\0y" })),
        ("env", json!({ "A": "x".repeat(64 * 1024) })),
        ("working_directory", json!("/tmp\0")),
        ("working_directory", json!("x".repeat(5_000))),
        ("run_id", json!("x".repeat(300))),
        ("run_context", json!({ "sha": "x".repeat(2_000) })),
    ] {
        let mut fields = json!({ "command": touch, "server_id": up.server() });
        fields[field] = value;
        let answer = key.exec(&fields);
        let detail = answer.refused(422, "invalid_request");
        assert!(detail.starts_with(field), "{field}: {detail}");
        let named = answer.json()["fields"]
            .as_object()
            .unwrap()
            .keys()
            .any(|name| name.starts_with(field));
        assert!(named, "{}", answer.text());
    }
    assert!(!ran.exists());

    for (field, value) in [
        ("command", json!(format!("true {}", "x".repeat(8_187)))),
        ("timeout_seconds", json!(1)),
        ("timeout_seconds", json!(900)),
    ] {
        let mut fields = json!({ "command": "true" });
        fields[field] = value;
        key.run_with(&fields).is("completed", 0);
    }
}

#[test]
fn a_working_directory_that_cannot_be_entered_is_named() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let ran = home.path("ran");
    let file = home.path("reoclo.toml");
    for directory in ["/no/such/directory", "relative", file.to_str().unwrap()] {
        let command = format!("touch '{}'", ran.display());
        let fields = json!({ "command": command, "working_directory": directory });
        let answer = key.exec(&fields);
        let detail = answer.refused(422, "invalid_request");
        assert!(detail.starts_with("working_directory "), "{detail}");
        // It was accepted before the server was asked, so it has a record with an end.
        let body = answer.json();
        let ended = key.ended(body["operation_id"].as_str().unwrap());
        ended.is("failed", 125);
    }
    assert!(!ran.exists());
}

#[test]
fn a_server_that_is_unknown_or_of_another_organization_is_not_found() {
    let home = Home::new();
    let mut up = home.up();
    let (_, operation) = (up.process.stop(), "0190b6f2-6f0c-7cc3-98c5-000000000003");
    let mut database = Database::of(&home.data());
    let (organization, server) = (
        "0190b6f2-6f0c-7cc3-98c5-000000000001",
        "0190b6f2-6f0c-7cc3-98c5-000000000002",
    );
    database.execute(&format!(
        "INSERT INTO organizations (id, slug, name, created_at)
         VALUES ('{organization}', 'other', 'Other', 9000000000000000)"
    ));
    database.execute(&format!(
        "INSERT INTO servers (id, organization_id, slug, name, status, created_at)
         VALUES ('{server}', '{organization}', 'theirs', 'Theirs', 'active', 1)"
    ));
    let inserted = database.execute(&format!(
        "INSERT INTO operations (id, organization_id, server_id, kind, starter_kind, starter_id,
             starter_label, timeout_seconds, boot_id, instance_id, created_at, state, exit_code,
             duration_us, stdout, stdout_total, stdout_truncated, stderr, stderr_total,
             stderr_truncated, completed_at)
         SELECT '{operation}', '{organization}', '{server}', 'exec', 'automation_key', id, label,
             60, '', '', 1, 'completed', 0, 1, X'', 0, 0, X'', 0, 0, 2
         FROM api_keys WHERE kind = 'automation_key'"
    ));
    assert_eq!(inserted, 1);
    drop(database);

    let later = home.up();
    let key = later.key(&up.automation().token);
    let exec = json!({ "command": "true" });
    for unknown in [server, "0190b6f2-6f0c-7cc3-98c5-00000000000f"] {
        key.on(unknown).exec(&exec).refused(404, "not_found");
    }
    let unknown = [
        operation,
        "0190b6f2-6f0c-7cc3-98c5-00000000000f",
        "x",
        "%00",
        "%ff",
        ".",
    ];
    for id in unknown {
        key.operation(id).refused(404, "not_found");
    }
    let servers = later.key(&up.integration().token).servers();
    assert!(!servers.text().contains(server), "{}", servers.text());
}

#[test]
fn an_exec_and_its_record_need_an_automation_key() {
    let home = Home::new();
    let up = home.up();
    let exec = json!({ "command": "true", "server_id": up.server() });
    let detail = up.integration().exec(&exec).refused(403, "wrong_key_type");
    assert!(detail.contains("automation"), "{detail}");
    let id = up.automation().run("true").id;
    up.integration()
        .operation(&id)
        .refused(403, "wrong_key_type");
    let detail = up.automation().servers().refused(403, "wrong_key_type");
    assert!(detail.contains("integration"), "{detail}");

    // Who may not, is told so before the body is looked at.
    let request = Request::new("POST", "/api/automation/v1/exec").body("{");
    let request = request.header("Content-Type", "application/json");
    up.send(&request.clone().bearer(&up.integration().token))
        .refused(403, "wrong_key_type");
    up.send(&request).refused(401, "missing_credentials");
}
