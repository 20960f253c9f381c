//! Keys that a person makes over REST, on the real binary.

use serde_json::{Value, json};

use crate::fixture::{Answer, Home, PASSWORD, Person, Request, leaks, wait_until};

pub(crate) const INTEGRATION: &str = "/api/integration-keys";
pub(crate) const AUTOMATION: &str = "/api/automation-keys";

/// Makes a key, of which the answer has the token.
#[track_caller]
pub(crate) fn create(person: &Person, of: &str, form: &Value) -> Value {
    let answer = person.post(of, form);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    answer.json()
}

pub(crate) fn integration_form() -> Value {
    json!({ "label": "laptop", "expires_in": "90d", "preset": "read_only" })
}

pub(crate) fn automation_form() -> Value {
    json!({
        "name": "ci", "all_servers": true, "operations": ["exec"], "expires_in": "30d",
        "rate_limit_per_minute": 10_000, "ip_allowlist": ["127.0.0.0/8"],
    })
}

pub(crate) fn token(key: &Value) -> &str {
    key["token"].as_str().expect("a token")
}

/// Does something to a key, without a body and a content type.
pub(crate) fn act(person: &Person, of: &str, key: &Value, verb: &str) -> Answer {
    person.send(Request::new("POST", &path(of, key, verb)))
}

fn path(of: &str, key: &Value, verb: &str) -> String {
    format!("{of}/{}{verb}", key["id"].as_str().unwrap())
}

#[test]
fn keys_are_made_used_and_revoked_and_their_tokens_are_kept_nowhere() {
    let home = Home::new();
    let mut up = home.up();
    let person = up.set_up();
    let integration = create(&person, INTEGRATION, &integration_form());
    let automation = create(&person, AUTOMATION, &automation_form());
    up.key(token(&integration)).servers().ok();
    up.key(token(&automation))
        .run("echo done")
        .is("completed", 0);

    let copy = act(&person, INTEGRATION, &integration, "/duplicate");
    let copy = copy.json();
    let new = act(&person, AUTOMATION, &automation, "/replace").json();
    let old = up.key(token(&automation));
    old.exec(&json!({ "command": "true" }))
        .refused(401, "key_revoked");
    up.key(token(&new)).run("true").is("completed", 0);
    up.key(token(&copy)).servers().ok();
    let revoked = act(&person, INTEGRATION, &integration, "/revoke");
    assert_eq!(revoked.ok()["status"], "revoked");
    up.key(token(&integration))
        .servers()
        .refused(401, "key_revoked");
    wait_until("the use of the key is written", || {
        let shown = person.get(&path(AUTOMATION, &new, "")).ok();
        shown["usage"][0]["ip"] == "127.0.0.1"
    });

    // The first 12 characters are kept to show which key is which.
    let secrets = [&integration, &automation, &copy, &new].map(|key| &token(key)[12..]);
    assert_eq!(leaks(&home.data(), &secrets), [""; 0], "while it runs");
    up.process.stop();
    assert_eq!(leaks(&home.data(), &secrets), [""; 0], "after the end");
    let log = up.process.stderr();
    assert!(!secrets.iter().any(|secret| log.contains(secret)));
    assert_eq!(home.audit("verify", &[]).code, Some(0));

    let later = home.up();
    later.key(token(&copy)).servers().ok();
    for (key, code) in [(&integration, "key_revoked"), (&automation, "key_revoked")] {
        later.key(token(key)).servers().refused(401, code);
    }
    let listed = later.sign_in("ada@example.com", PASSWORD).get(INTEGRATION);
    let listed = listed.ok();
    let labels: Vec<_> = listed.as_array().unwrap().iter().collect();
    // The two of this test, and the one of the first start.
    assert_eq!(labels.len(), 3);
}
