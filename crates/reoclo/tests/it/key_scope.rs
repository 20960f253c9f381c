//! What the first keys reach, and what stops them.

use serde_json::{Value, json};

use crate::fixture::{Answer, ControlPlane, Database, Home, Request};

#[test]
fn the_key_of_up_is_for_this_machine_alone() {
    let home = Home::new();
    let up = home.up();
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((up.url(), &added.token)));
    up.integration().wait_for_status(&added.server, "active");
    let ran = home.path("ran");
    let command = format!("touch '{}'", ran.display());
    let elsewhere = up.automation().on(&added.server);
    let refused = elsewhere.exec(&json!({ "command": command }));
    refused.refused(403, "server_not_in_scope");
    // Clients send a refused request once more.
    elsewhere
        .exec(&json!({ "command": command }))
        .refused(403, "server_not_in_scope");
    assert!(!ran.exists());
    up.automation().run("true").is("completed", 0);
    assert_eq!(up.integration().servers().ok().as_array().unwrap().len(), 2);
}

/// Starts `up` again after a change to its keys.
fn changed(home: &Home, first: &mut ControlPlane, change: &str) -> ControlPlane {
    assert!(first.process.stop().success());
    let statement = format!("UPDATE api_keys SET {change}");
    assert!(Database::of(&home.data()).execute(&statement) > 0);
    home.up()
}

#[test]
fn revoked_and_expired_keys_are_told_so() {
    for (change, code) in [
        ("revoked_at = created_at", "key_revoked"),
        ("expires_at = created_at + 1", "key_expired"),
    ] {
        let home = Home::new();
        let mut first = home.up();
        let id = first.automation().run("true").id;
        let later = changed(&home, &mut first, change);
        let integration = later.key(&first.integration().token);
        let automation = later.key(&first.automation().token);
        integration.servers().refused(401, code);
        automation
            .exec(&json!({ "command": "true" }))
            .refused(401, code);
        automation.operation(&id).refused(401, code);
    }
}

#[test]
fn a_key_without_exec_and_one_from_elsewhere_are_told_why() {
    let home = Home::new();
    let mut first = home.up();
    let ran = home.path("ran");
    let exec = json!({ "command": format!("touch '{}'", ran.display()) });
    let try_exec = |up: &ControlPlane, token: &str| -> Answer { up.key(token).exec(&exec) };
    let token = first.automation().token;

    let change = "operations = 'deploy restart' WHERE kind = 'automation_key'";
    let mut second = changed(&home, &mut first, change);
    let answer = try_exec(&second, &token);
    answer.refused(403, "operation_not_allowed");
    assert_eq!(
        answer.json()["allowed_operations"],
        json!(["deploy", "restart"])
    );

    let change =
        "operations = 'exec', ip_allowlist = '203.0.113.0/24' WHERE kind = 'automation_key'";
    let third = changed(&home, &mut second, change);
    let detail = try_exec(&third, &token).refused(403, "ip_not_allowed");
    assert!(
        detail.contains("127.0.0.1") && !detail.contains("203.0.113"),
        "{detail}"
    );
    assert!(!ran.exists());
}

#[test]
fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    for (flags, seen) in [
        ([].as_slice(), "127.0.0.1"),
        (&["--trusted-proxy", "127.0.0.0/8"], "203.0.113.9"),
        (&["--trusted-proxy", "127.0.0.1"], "203.0.113.9"),
    ] {
        let home = Home::new();
        let up = home.up_with(flags);
        let exec = up.automation().exec_request(&json!({ "command": "true" }));
        up.send(&exec.header("X-Forwarded-For", "198.51.100.1, 203.0.113.9, 127.0.0.1"))
            .ok();
        let exported = home.audit("export", &[]).stdout;
        let mut events = exported
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let begun = events
            .find(|event| event["action"] == "operation.start")
            .unwrap();
        assert_eq!(begun["ip"], seen);
    }
}

#[test]
fn an_integration_key_has_no_more_than_its_owner() {
    let home = Home::new();
    let mut first = home.up();
    assert!(first.process.stop().success());
    let mut database = Database::of(&home.data());
    assert_eq!(database.execute("DELETE FROM memberships"), 1);
    drop(database);
    let later = home.up();
    let answer = later.send(&Request::get("/api/servers").bearer(&first.integration().token));
    assert!(matches!(answer.status, 401 | 403), "{}", answer.text());
}
