//! The one-time set-up link.

use serde_json::{Value, json};

use crate::fixture::{Answer, ControlPlane, Home, Request};

fn token(up: &ControlPlane) -> String {
    let url = up.line["setup_url"].as_str().expect("an open link");
    url.split_once("?token=").unwrap().1.to_owned()
}

fn complete(up: &ControlPlane, token: &str) -> Answer {
    let form = json!({
        "token": token,
        "name": "Ada",
        "email": "ada@example.com",
        "password": "correct horse battery",
    });
    up.send(&Request::post("/api/auth/setup", &form))
}

#[test]
fn the_link_completes_the_account_once() {
    let home = Home::new();
    let mut up = home.up();
    let url = up.line["setup_url"].as_str().unwrap();
    let page = up.send(&Request::get(url.strip_prefix(up.url()).unwrap()));
    assert_eq!(page.status, 200);
    assert!(
        page.header("Content-Type")
            .unwrap()
            .starts_with("text/html")
    );
    // Nobody but us is told the address, and we are told no more than the origin.
    assert_eq!(page.header("Referrer-Policy"), Some("strict-origin"));
    let text = page.text();
    let assets: Vec<&str> = text
        .split('"')
        .filter(|text| text.starts_with("/assets/"))
        .collect();
    assert_eq!(assets.len(), 3);
    for asset in assets {
        assert_eq!(up.send(&Request::get(asset)).status, 200, "{asset}");
    }

    // Looking at the page has not used the link up.
    let completed = complete(&up, &token(&up));
    assert_eq!(completed.status, 201, "{}", completed.text());
    assert_eq!(
        completed.json()["organization_id"],
        up.line["organization"]["id"]
    );
    let detail = complete(&up, &token(&up)).refused(422, "invalid_request");
    assert!(detail.starts_with("token "), "{detail}");

    // Who opens the link again is told before they fill anything in, as is whoever made one up.
    for link in [url, &format!("{}/setup?token=rsu_x", up.url())] {
        let page = up.send(&Request::get(link.strip_prefix(up.url()).unwrap()));
        assert_eq!(page.status, 422);
        assert!(page.text().contains("This link is not open"));
        assert!(!page.text().contains("<form"), "{}", page.text());
    }

    assert!(up.process.stop().success());
    let later = home.up();
    assert_eq!(later.line["setup_url"], Value::Null);
    later.key(&up.integration().token).servers().ok();
    later
        .key(&up.automation().token)
        .run("true")
        .is("completed", 0);
}

#[test]
fn a_later_start_replaces_an_unused_link() {
    let home = Home::new();
    let mut first = home.up();
    first.process.stop();
    let second = home.up();
    let (old, new) = (token(&first), token(&second));
    assert_ne!(old, new);
    complete(&second, &old).refused(422, "invalid_request");
    assert_eq!(complete(&second, &new).status, 201);
}

#[test]
fn what_the_form_lacks_is_named_and_the_link_stays() {
    let home = Home::new();
    let serve = home.serve_with(&[]);
    let good = json!({
        "token": token(&serve), "name": "Ada", "email": "ada@example.com",
        "password": "correct horse battery",
    });
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("A\u{202e}da")),
        ("email", json!("nobody")),
        ("password", json!("short")),
        ("password", json!("passwordpassword")),
        ("password", json!(" ".repeat(12))),
        ("password", Value::Null),
        ("token", json!("rsu_x")),
    ] {
        let mut form = good.clone();
        form[field] = value;
        let answer = serve.send(&Request::post("/api/auth/setup", &form));
        let detail = answer.refused(422, "invalid_request");
        assert!(detail.contains(field), "{detail}");
        assert!(answer.json()["fields"][field].is_string());
    }
    let mut form = good;
    form["role"] = json!("owner");
    let detail = serve.send(&Request::post("/api/auth/setup", &form));
    assert!(detail.refused(422, "invalid_request").contains("role"));
    assert_eq!(complete(&serve, &token(&serve)).status, 201);
}
