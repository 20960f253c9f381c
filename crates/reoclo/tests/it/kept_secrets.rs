//! What is on disk, and what is logged, holds no secret.

use serde_json::json;

use crate::fixture::{Gate, Home, Process, Request, holds, leaks};

#[test]
fn no_secret_is_in_a_file_or_in_the_log() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let setup = up.line["setup_url"].as_str().unwrap().to_owned();
    let setup = setup.split_once("token=").unwrap().1;
    let (integration, automation) = (up.integration().token, up.automation().token);
    let added = home.add_server("web");
    let other = home.runner("other", Some((up.url(), &added.token)));
    up.integration().wait_for_status(&added.server, "active");

    let gate = Gate::new(&home, "gate");
    let command = format!(
        "env; echo $PASSWORD >&2; git clone https://x:url-password-1@host/r; echo '{integration}'; {}",
        gate.command()
    );
    let env = json!({ "PASSWORD": "env-password-1", "PLAIN": "plain-value-1" });
    let answer = up
        .automation()
        .exec(&json!({ "command": command, "env": env }))
        .ok();
    gate.wait_for_begin();

    // The first 12 characters are kept to show which key is which.
    let secrets = [
        &integration[12..],
        &automation[12..],
        &setup[12..],
        &added.token[12..],
        "env-password-1",
        "url-password-1",
        "another-password-1",
    ];
    let found = |up: &Process| {
        let mut found = leaks(&home.data(), &secrets);
        found.extend(leaks(&home.path("other"), &secrets));
        for (name, log) in [("up", up.stderr()), ("runner", other.stderr())] {
            let leaked = secrets
                .iter()
                .filter(|secret| holds(log.as_bytes(), secret));
            found.extend(leaked.map(|secret| format!("{secret} in the log of {name}")));
        }
        found
    };
    assert_eq!(found(&up.process), [""; 0], "while it runs");

    gate.open();
    up.automation()
        .ended(answer["operation_id"].as_str().unwrap());
    let form = json!({
        "token": setup, "name": "Ada", "email": "ada@example.com", "password": "another-password-1",
    });
    assert_eq!(
        up.send(&Request::post("/api/auth/setup", &form)).status,
        201
    );
    // Somebody puts a key where it does not belong.
    up.send(&Request::get(&format!("/api/servers?key={integration}")));
    up.send(&Request::get(&format!("/setup?token={setup}")));
    assert_eq!(found(&up.process), [""; 0], "when it has ended");
    up.process.stop();
    assert_eq!(found(&up.process), [""; 0], "after the end");
}

#[test]
fn no_value_of_env_is_on_disk_even_when_its_name_is_harmless() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let gate = Gate::new(&home, "gate");
    let fields = json!({ "command": gate.command(), "env": { "PLAIN": "plain-value-1" } });
    let id = up.automation().exec(&fields).ok()["operation_id"]
        .as_str()
        .unwrap()
        .to_owned();
    gate.wait_for_begin();
    assert_eq!(leaks(&home.data(), &["plain-value-1"]), [""; 0]);
    up.process.kill();
    assert_eq!(leaks(&home.data(), &["plain-value-1"]), [""; 0]);
    let later = home.up();
    gate.open();
    later
        .key(&up.automation().token)
        .ended(&id)
        .is("completed", 0);
    assert_eq!(leaks(&home.data(), &["plain-value-1"]), [""; 0]);
}
