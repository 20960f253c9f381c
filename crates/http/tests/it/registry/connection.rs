//! Trying a credential: a registry that the test plays, and addresses that must not be reached.

mod kept;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{StatusCode, header};
use reoclo_testkit::database;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Admin, hostile_registries};
use crate::on_both_databases;
use crate::world::World;

on_both_databases!(
    user_name_and_password_are_tried_with_every_kind_of_registry,
    a_wrong_password_is_told_from_a_wrong_address,
    what_is_wrong_with_the_form_is_an_answer_too,
    nothing_that_is_not_public_is_reached,
    a_registry_cannot_send_the_password_elsewhere,
    a_redirect_is_not_followed,
    what_is_no_registry_is_told,
    a_test_is_audited_without_the_password,
);

const PATH: &str = "/api/registry-credentials/test-connection";
const PASSWORD: &str = "right-password-1";

/// How the registry wants a login.
#[derive(Clone, Debug)]
enum Kind {
    Basic,
    /// With tokens from this URL, or from its own.
    Bearer(Option<String>),
    Open,
    Status(StatusCode),
    RedirectTo(String),
    HugeToken,
}

/// What was asked for, and with which `Authorization`.
type Seen = Vec<(String, Option<String>)>;

/// A registry, and every request that it was sent.
struct Registry {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Registry {
    async fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let router = Router::new().fallback(async move |request: Request| {
            let authorization = request.headers().get(header::AUTHORIZATION);
            let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
            let target = request.uri().to_string();
            log.lock()
                .unwrap()
                .push((target.clone(), authorization.clone()));
            answer(&kind, address, &target, authorization.as_deref())
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

fn basic() -> String {
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("ada:{PASSWORD}"))
    )
}

fn answer(kind: &Kind, address: SocketAddr, target: &str, authorization: Option<&str>) -> Response {
    let is_basic = authorization == Some(&basic());
    let unauthorized = |challenge: String| {
        (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, challenge)],
        )
            .into_response()
    };
    match kind {
        Kind::Open => StatusCode::OK.into_response(),
        Kind::Status(status) => status.into_response(),
        Kind::RedirectTo(url) => {
            (StatusCode::FOUND, [(header::LOCATION, url.clone())]).into_response()
        }
        Kind::Basic if is_basic => StatusCode::OK.into_response(),
        Kind::Basic => unauthorized("Basic realm=\"test\"".into()),
        Kind::HugeToken if target.starts_with("/token") => "x".repeat(200_000).into_response(),
        Kind::Bearer(_) if target.starts_with("/token") && is_basic => {
            json!({ "token": "t0k3n" }).to_string().into_response()
        }
        Kind::Bearer(_) if target.starts_with("/token") => StatusCode::UNAUTHORIZED.into_response(),
        Kind::Bearer(_) if authorization == Some("Bearer t0k3n") => StatusCode::OK.into_response(),
        Kind::Bearer(realm) => {
            let own = || format!("http://{address}/token?x=1");
            let realm = realm.clone().unwrap_or_else(own);
            unauthorized(format!("Bearer realm=\"{realm}\",service=\"the registry\""))
        }
        Kind::HugeToken => unauthorized(format!("Bearer realm=\"http://{address}/token\"")),
    }
}

impl Admin<'_> {
    async fn try_registry(&self, url: &str, password: &str) -> Value {
        let body = json!({
            "registry_type": "private", "registry_url": url, "username": "ada",
            "encrypted_credential": password,
        });
        self.try_with(&body).await
    }

    async fn try_with(&self, body: &Value) -> Value {
        let answer = self.post(PATH, body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body["latency_ms"].is_i64());
        answer.body
    }
}

#[track_caller]
fn failed(answer: &Value, why: &str) {
    assert_eq!(answer["success"], false, "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(why), "{message}");
}

async fn user_name_and_password_are_tried_with_every_kind_of_registry(world: &World) {
    let admin = Admin::of(world).await;
    for kind in [Kind::Basic, Kind::Bearer(None)] {
        let registry = Registry::start(kind.clone()).await;
        for password in [PASSWORD, "right-password-1\n", "right-password-1\r\n"] {
            let answer = admin.try_registry(&registry.url(), password).await;
            assert_eq!(answer["success"], true, "{kind:?}: {answer}");
        }
        // On this machine plaintext will do where nothing is said, as it does for Docker.
        let unsaid = registry.address.to_string();
        assert_eq!(admin.try_registry(&unsaid, PASSWORD).await["success"], true);
        let https = format!("https://{unsaid}");
        failed(&admin.try_registry(&https, PASSWORD).await, "no TLS");
    }
    let bearer = Registry::start(Kind::Bearer(None)).await;
    admin.try_registry(&bearer.url(), PASSWORD).await;
    let token = "/token?x=1&service=the%20registry&account=ada&client_id=reoclo";
    let expected = [
        ("/v2/".to_owned(), None),
        (token.to_owned(), Some(basic())),
        ("/v2/".to_owned(), Some("Bearer t0k3n".to_owned())),
    ];
    assert_eq!(bearer.seen(), expected);

    let open = Registry::start(Kind::Open).await;
    let answer = admin.try_registry(&open.url(), PASSWORD).await;
    assert_eq!(answer["success"], true);
    assert!(answer["message"].as_str().unwrap().contains("not checked"));
    assert_eq!(open.seen(), [("/v2/".to_owned(), None)]);
}

async fn a_wrong_password_is_told_from_a_wrong_address(world: &World) {
    let admin = Admin::of(world).await;
    for kind in [Kind::Basic, Kind::Bearer(None)] {
        let registry = Registry::start(kind).await;
        let answer = admin.try_registry(&registry.url(), "wrong").await;
        failed(&answer, "refused the user name or the password");
    }
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let answer = admin
        .try_registry(&format!("http://{address}"), PASSWORD)
        .await;
    failed(&answer, "cannot connect");
}

async fn what_is_wrong_with_the_form_is_an_answer_too(world: &World) {
    let admin = Admin::of(world).await;
    for hostile in hostile_registries() {
        failed(
            &admin.try_registry(&hostile, PASSWORD).await,
            "registry_url",
        );
    }
    for (field, value) in [
        ("registry_type", json!("x")),
        ("username", json!("")),
        ("username", json!("a:b")),
        ("encrypted_credential", json!("********")),
        ("encrypted_credential", json!(null)),
    ] {
        let mut body = json!({
            "registry_type": "private", "registry_url": "http://127.0.0.1:1", "username": "ada",
            "encrypted_credential": PASSWORD,
        });
        body[field] = value;
        failed(&admin.try_with(&body).await, field);
    }
    let answer = admin.post(PATH, &json!({ "registry_type": 1 })).await;
    answer.is_error(422, "invalid_request");
}

/// This world allows 127.0.0.1 alone.
async fn nothing_that_is_not_public_is_reached(world: &World) {
    let admin = Admin::of(world).await;
    let registry = Registry::start(Kind::Basic).await;
    let port = registry.address.port();
    for host in [
        "127.0.0.2",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "192.168.0.1",
        "[::1]",
        "[::]",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[64:ff9b::7f00:2]",
    ] {
        for url in [
            format!("http://{host}:{port}"),
            format!("https://{host}"),
            host.to_owned(),
        ] {
            let answer = admin.try_registry(&url, PASSWORD).await;
            failed(&answer, "not on the public network");
        }
    }
    assert_eq!(registry.seen(), []);
}

async fn a_registry_cannot_send_the_password_elsewhere(world: &World) {
    let admin = Admin::of(world).await;
    let other = Registry::start(Kind::Open).await;
    let elsewhere = format!("http://127.0.0.2:{}/token", other.address.port());
    for (realm, why) in [
        (elsewhere.as_str(), "not on the public network"),
        (
            "http://169.254.169.254/latest/meta-data",
            "not on the public network",
        ),
        ("http://ada:x@127.0.0.1/token", "cannot be read"),
        ("file:///etc/passwd", "cannot be read"),
        ("", "cannot be read"),
    ] {
        let registry = Registry::start(Kind::Bearer(Some(realm.into()))).await;
        failed(&admin.try_registry(&registry.url(), PASSWORD).await, why);
        assert_eq!(registry.seen().len(), 1, "{realm}");
    }
    assert_eq!(other.seen(), []);
}

async fn a_redirect_is_not_followed(world: &World) {
    let admin = Admin::of(world).await;
    let other = Registry::start(Kind::Basic).await;
    let registry = Registry::start(Kind::RedirectTo(format!("{}/v2/", other.url()))).await;
    failed(
        &admin.try_registry(&registry.url(), PASSWORD).await,
        "redirects",
    );
    let realm = format!("{}/token", registry.url());
    let third = Registry::start(Kind::Bearer(Some(realm))).await;
    failed(
        &admin.try_registry(&third.url(), PASSWORD).await,
        "redirects",
    );
    assert_eq!(other.seen(), []);
}

async fn what_is_no_registry_is_told(world: &World) {
    let admin = Admin::of(world).await;
    for status in [StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY] {
        let registry = Registry::start(Kind::Status(status)).await;
        failed(
            &admin.try_registry(&registry.url(), PASSWORD).await,
            status.as_str(),
        );
    }
    let unasked = Registry::start(Kind::Status(StatusCode::UNAUTHORIZED)).await;
    failed(
        &admin.try_registry(&unasked.url(), PASSWORD).await,
        "not known here",
    );
    let huge = Registry::start(Kind::HugeToken).await;
    failed(
        &admin.try_registry(&huge.url(), PASSWORD).await,
        "more than anybody needs",
    );

    let garbage = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", garbage.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = garbage.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n").await;
        }
    });
    failed(
        &admin.try_registry(&url, PASSWORD).await,
        "as a web server does",
    );
}

async fn a_test_is_audited_without_the_password(world: &World) {
    let admin = Admin::of(world).await;
    let registry = Registry::start(Kind::Basic).await;
    admin.try_registry(&registry.url(), PASSWORD).await;
    admin.try_registry(&registry.url(), "wrong-password").await;
    let rows = world
        .store()
        .audit_events(Some(world.ours.id), 0, 100)
        .await
        .unwrap();
    let outcomes: Vec<_> = rows.iter().map(|row| row.outcome.as_str()).collect();
    assert_eq!(outcomes, ["success", "failure"]);
    for row in rows {
        assert_eq!(row.action, "registry_credential.test");
        assert_eq!(row.detail["registry_url"], registry.url());
        assert!(!format!("{row:?}").contains("password"), "{row:?}");
    }
}

#[tokio::test]
async fn a_silent_registry_is_not_waited_for() {
    let world = World::with(database::sqlite(), |settings| {
        settings.outbound_timeout = Duration::from_millis(200);
    });
    let world = world.await;
    let admin = Admin::of(&world).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let answer = admin.try_registry(&url, PASSWORD).await;
    failed(&answer, "did not answer within 0.2 seconds");
}
