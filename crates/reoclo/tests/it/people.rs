//! People on the real binary: set up, signed in, added, locked out and let in again.

use serde_json::json;

use crate::fixture::{ControlPlane, Home, PASSWORD, Person, Request, holds, leaks};

#[test]
fn a_session_survives_a_restart_and_works_beside_keys() {
    let home = Home::new();
    let mut up = home.up();
    let ada = up.set_up();
    let servers = ada.get("/api/servers").ok();
    assert_eq!(servers, up.integration().servers().ok());
    up.automation().run("true").is("completed", 0);

    assert!(up.process.stop().success());
    let up = home.up();
    let again = up.sign_in("ada@example.com", PASSWORD);
    assert_ne!(again.token(), ada.token());
    let ada = ada.at(&up);
    assert_eq!(ada.get("/api/auth/session").status, 200);
    assert_eq!(ada.post("/api/auth/sign-out", &json!({})).status, 200);
    ada.get("/api/auth/session").refused(401, "session_expired");
    assert_eq!(again.get("/api/auth/session").status, 200);
}

/// Bob, invited and joined.
fn bob(up: &ControlPlane, ada: &Person) -> (Person, String) {
    let bob = json!({ "email": "bob@example.com", "name": "Bob", "role": "viewer" });
    let invited = ada.post("/api/users", &bob);
    assert_eq!(invited.status, 201, "{}", invited.text());
    let invited = invited.json();
    let link = invited["link"].as_str().unwrap();
    let token = link.split_once("token=").unwrap().1.to_owned();
    let accept = json!({ "token": token, "name": "Bob", "password": PASSWORD });
    let accepted = up.send(&Request::post("/api/auth/invitation/accept", &accept));
    assert_eq!(accepted.status, 201, "{}", accepted.text());
    (up.sign_in("bob@example.com", PASSWORD), token)
}

#[test]
fn somebody_who_was_invited_joins_with_a_password_of_their_own() {
    let home = Home::new();
    let up = home.up();
    let ada = up.set_up();
    let (bob, _) = bob(&up, &ada);
    assert_eq!(bob.get("/api/servers").status, 200);
    let session = bob.get("/api/auth/session").ok();
    bob.get("/api/organization").ok();

    let id = session["user"]["id"].as_str().unwrap();
    let removed = ada.delete(&format!("/api/users/{id}"));
    assert_eq!(removed.status, 200, "{}", removed.text());
    bob.get("/api/servers").refused(401, "session_expired");
}

#[test]
fn the_owner_of_the_machine_lets_somebody_in_again() {
    let home = Home::new();
    let up = home.up();
    let ada = up.set_up();
    let wrong = json!({ "email": "ada@example.com", "password": "wrong horse battery" });
    let sign_in = Request::post("/api/auth/sign-in", &wrong);
    while up.send(&sign_in).status == 401 {}
    up.send(&sign_in).refused(429, "too_many_attempts");

    let data = home.data();
    let reset = ["admin", "reset-password", "--output", "json", "--data-dir"];
    let reset = [&reset[..], &[data.to_str().unwrap()]].concat();
    let nobody = home.run(&[&reset[..], &["nobody@example.com"]].concat());
    assert_eq!(nobody.code, Some(1), "{}", nobody.stderr);
    assert!(nobody.stderr.contains("an account with that address"));
    let done = home.run(&[&reset[..], &["Ada@example.com"]].concat());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let done: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let temporary = done["temporary_password"].as_str().unwrap();
    ada.get("/api/servers").refused(401, "session_expired");
    let ada = up.sign_in("ada@example.com", temporary);
    let session = ada.get("/api/auth/session").ok();
    assert_eq!(session["user"]["must_change_password"], true);
}

#[test]
fn no_password_and_no_session_is_anywhere_on_the_disk() {
    let home = Home::new();
    let mut up = home.up();
    let ada = up.set_up();
    let (bob, invitation) = bob(&up, &ada);
    up.process.stop();
    let secrets = [PASSWORD, &invitation, ada.token(), bob.token()];
    assert_eq!(leaks(&home.data(), &secrets), [""; 0]);
    let log = up.process.stderr();
    assert!(!secrets.iter().any(|secret| holds(log.as_bytes(), secret)));
}

#[test]
fn a_flag_keeps_organizations_from_trusting_networks() {
    let home = Home::new();
    let networks = json!({ "trusted_networks": ["10.0.0.0/8"] }).to_string();
    let change = |ada: &Person| {
        let change = Request::new("PATCH", "/api/organization");
        let change = change.header("Content-Type", "application/json");
        ada.send(change.body(networks.clone()))
    };
    let mut up = home.up();
    let ada = up.set_up();
    assert_eq!(change(&ada).ok()["trusted_networks"], json!(["10.0.0.0/8"]));
    assert!(up.process.stop().success());
    let up = home.up_with(&["--no-organization-networks"]);
    change(&ada.at(&up)).refused(422, "invalid_request");
}
