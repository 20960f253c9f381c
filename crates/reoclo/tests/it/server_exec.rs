//! Commands as integration keys run them: no polling, one answer.

use std::io::Read;

use serde_json::json;

use crate::fixture::{Gate, Home, Request, read_answer};

#[test]
fn a_short_command_has_every_field_that_clients_need() {
    let home = Home::new();
    let up = home.up();
    let key = up.integration();
    let slug = up.line["server"]["slug"].as_str().unwrap().to_owned();
    for server in [up.server(), &slug] {
        let body = json!({ "command": "echo out; echo err >&2; exit 3", "timeout": 5 });
        let answer = key.post_json(&format!("/api/servers/{server}/exec"), &body);
        let answer = answer.ok();
        assert_eq!(answer["exit_code"], 3);
        assert_eq!(answer["stdout"], "out\n");
        assert_eq!(answer["stderr"], "err\n");
        assert_eq!(answer["truncated"], false);
        assert_eq!(answer["status"], "completed");
        let id = answer["operation_id"].as_str().unwrap();
        let record = key.get(&format!("/api/operations/{id}")).ok();
        assert_eq!(record["starter"]["type"], "integration_key");
    }
    let path = format!(
        "/mcp/tenants/{}/servers/{slug}/exec",
        up.line["organization"]["id"].as_str().unwrap()
    );
    let body = json!({ "command": "pwd; echo $GREETING; seq 1 30000", "working_directory": "/tmp", "env": { "GREETING": "ho\"'$(id)" } });
    let answer = key.post_json(&path, &body).ok();
    assert_eq!(answer["truncated"], true);
    let body = json!({ "command": "pwd; echo $GREETING", "working_directory": "/tmp", "env": { "GREETING": "ho\"'$(id)" } });
    let answer = key.post_json(&path, &body).ok();
    assert_eq!(answer["stdout"], "/tmp\nho\"'$(id)\n");
    let body = json!({ "command": "true", "working_directory": "/nowhere/at/all" });
    key.post_json(&path, &body).refused(422, "invalid_request");
}

/// Reads until the head and a first blank are there.
fn head_of(stream: &mut dyn Read) -> Vec<u8> {
    let mut begun = Vec::new();
    let mut byte = [0];
    while !begun.ends_with(b"\r\n\r\n1\r\n \r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        begun.push(byte[0]);
    }
    begun
}

#[test]
fn the_head_of_a_long_one_comes_while_it_runs() {
    let home = Home::new();
    let up = home.up();
    let key = up.integration();
    let gate = Gate::new(&home, "gate");
    let path = format!("/api/servers/{}/exec", up.server());
    let body = json!({ "command": gate.command(), "timeout": 60 });
    let mut stream = key.begin(Request::post(&path, &body));
    let begun = head_of(&mut stream);
    assert!(begun.starts_with(b"HTTP/1.1 200 "));
    gate.wait_for_begin();
    gate.open();
    let answer = read_answer(begun, stream).ok();
    assert_eq!(answer["stdout"], Gate::OUTPUT);
    assert_eq!(answer["exit_code"], 0);
    assert_eq!(gate.runs(), 1);
}

#[test]
fn a_caller_who_goes_away_stops_nothing() {
    let home = Home::new();
    let up = home.up();
    let key = up.integration();
    let gate = Gate::new(&home, "gate");
    let path = format!("/api/servers/{}/exec", up.server());
    let body = json!({ "command": gate.command() });
    let mut stream = key.begin(Request::post(&path, &body));
    head_of(&mut stream);
    drop(stream);
    gate.wait_for_begin();
    gate.open();
    gate.wait_for_end();
    let list = key.get("/api/operations?limit=1").ok();
    let id = list["items"][0]["id"].as_str().unwrap();
    crate::fixture::wait_until("it ends", || {
        key.get(&format!("/api/operations/{id}")).ok()["status"] == "completed"
    });
}

#[test]
fn a_process_that_stops_says_where_to_look() {
    let home = Home::new();
    let mut up = home.up();
    let key = up.integration();
    let gate = Gate::new(&home, "gate");
    let path = format!("/api/servers/{}/exec", up.server());
    let body = json!({ "command": gate.command() });
    let mut stream = key.begin(Request::post(&path, &body));
    let begun = head_of(&mut stream);
    gate.wait_for_begin();
    up.process.stop();
    let answer = read_answer(begun, stream).ok();
    assert_eq!(answer["status"], "running");
    assert_eq!(answer["exit_code"], 255);
    assert!(
        answer["stderr"]
            .as_str()
            .unwrap()
            .contains("/api/operations/")
    );
    gate.open();
    let up = home.up();
    let id = answer["operation_id"].as_str().unwrap();
    let key = up.key(&key.token);
    crate::fixture::wait_until("it ends", || {
        key.get(&format!("/api/operations/{id}")).ok()["status"] == "completed"
    });
}

/// Values that mean something to a shell, a path, a terminal or a database.
fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "'",
        "\"",
        "$(touch owned)",
        "`touch owned`",
        "; touch owned",
        "a\nb\r\n",
        "-rf",
        "--help",
        "../../etc/passwd",
        "*",
        "~",
        "%s%n",
        "\u{1b}[2J",
        "\u{202e}",
        "\u{1f980}",
        "' OR 1=1 --",
        "\\",
        "${IFS}",
        "!!",
        "\t",
    ]
    .map(str::to_owned)
    .into();
    values.push("\u{1f980}".repeat(2_560));
    values
}

#[test]
fn hostile_values_arrive_as_data_or_are_refused_by_name() {
    let home = Home::new();
    let up = home.up();
    let key = up.integration();
    let path = format!("/api/servers/{}/exec", up.server());
    for value in hostile() {
        let body = json!({
            "command": "printf '%s' \"$VALUE\"",
            "env": { "VALUE": value },
            "working_directory": home.path("").to_str().unwrap(),
        });
        let answer = key.post_json(&path, &body).ok();
        assert_eq!(answer["exit_code"], 0, "{value:?}: {answer}");
        assert_eq!(answer["stdout"], value);

        let body = json!({ "command": "true", "working_directory": format!("{value}/nowhere") });
        let detail = key.post_json(&path, &body).refused(422, "invalid_request");
        assert!(
            detail.starts_with("working_directory "),
            "{value:?}: {detail}"
        );
        let body = json!({ "command": "true", "scope": value });
        let detail = key.post_json(&path, &body).refused(422, "invalid_request");
        assert!(detail.starts_with("scope "), "{value:?}: {detail}");
        let body = json!({ "command": "true", "timeout": value });
        let detail = key.post_json(&path, &body).refused(422, "invalid_request");
        assert!(detail.starts_with("timeout "), "{value:?}: {detail}");
    }
    assert!(!home.path("owned").exists());
}
