//! What a runner does when the connection cannot be made, or is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use reoclo_runner::RunnerError;
use reoclo_wire::handshake::CloseCode;
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::ambient::eventually;
use crate::control_plane::{CONTROL_PLANE, ControlPlane, Plan, foreign_key, own_key};
use crate::runner::Runner;
use crate::supervisor::{exec, new_id};

const CONNECT: &str = "/runner/v1/connect";

#[tokio::test]
async fn a_control_plane_that_is_not_there_yet_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut runner = Runner::with_url(&format!("http://{address}"));
    runner.start();
    // It has noted its key, and finds nobody to tell.
    let key = runner.file("identity.pk8");
    eventually("a key", async || key.exists().then_some(())).await;
    let mut control_plane = ControlPlane::listen(TcpListener::bind(address).await.unwrap(), None);
    control_plane.runner().await;
}

#[tokio::test]
async fn a_silent_control_plane_is_left() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    runner.kill().await;
    runner.options.timing.handshake = Duration::from_millis(100);
    control_plane.plan(Plan::Silence);
    runner.start();
    // Silent before the WebSocket, and silent on it.
    let silent = control_plane.socket().await;
    let mut client = control_plane.runner().await;
    assert_eq!(client.sh("true").await.code(), 0);
    drop(silent);
    assert_eq!(control_plane.requests(CONNECT), 4);
}

#[tokio::test]
async fn a_busy_control_plane_says_when_to_come_again() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    runner.kill().await;
    let later = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("1"))]);
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    control_plane.plan(Plan::Answer(busy, later, ""));
    let since = Instant::now();
    runner.start();
    control_plane.runner().await;
    assert!(since.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn whatever_a_stranger_answers_the_runner_goes_on() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    runner.kill().await;
    let answers = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::GONE,
        StatusCode::OK,
        StatusCode::FOUND,
        StatusCode::PROXY_AUTHENTICATION_REQUIRED,
        StatusCode::BAD_GATEWAY,
    ];
    for status in answers {
        let page = "<html>Please sign in.</html>";
        control_plane.plan(Plan::Answer(status, HeaderMap::new(), page));
    }
    runner.start();
    control_plane.runner().await;
    assert_eq!(control_plane.requests(CONNECT), 2 + answers.len());
}

#[tokio::test]
async fn a_code_that_the_control_plane_did_not_sign_ends_no_runner() {
    let mut control_plane = ControlPlane::start().await;
    let runner = Runner::started(&control_plane);
    let mut is_next = async || {
        let mut link = control_plane.socket().await;
        link.challenge().await;
        link
    };
    for code in [CloseCode::Rejected, CloseCode::Decommissioned] {
        for key in [None, Some(foreign_key())] {
            // In the handshake, and on a connection that was welcomed.
            is_next().await.close_as(code, key.as_ref()).await;
            let mut link = is_next().await;
            link.welcome().await;
            link.close_as(code, key.as_ref()).await;
        }
    }
    let mut link = is_next().await;
    link.welcome().await;
    assert!(link.client().await.is_some() && runner.is_running());
}

#[tokio::test]
async fn whoever_does_not_prove_to_be_the_control_plane_is_left() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    runner.kill().await;
    runner.start();
    // Another key gets no proof, and the right one without its signature no connection.
    for key in [Some(foreign_key()), None] {
        let mut link = control_plane.socket().await;
        assert_eq!(link.challenge_as(CONTROL_PLANE, key.as_ref()).await, None);
    }
    let mut link = control_plane.socket().await;
    link.challenge().await;
    link.welcome_as(&foreign_key()).await;
    assert!(link.client().await.is_none());
    let mut link = control_plane.socket().await;
    link.challenge().await;
    link.welcome_unsigned().await;
    assert!(link.client().await.is_none());
    control_plane.runner().await;
}

/// Its file knows no key of the control plane.
#[tokio::test]
async fn a_runner_of_before_pins_the_control_plane_s_key_at_its_first_connection() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    runner.kill().await;
    runner.forget_keys();
    runner.start();
    // One that has no key is what it always was, but for what ends a runner.
    let mut link = control_plane.socket().await;
    link.challenge_as(CONTROL_PLANE, None).await.unwrap();
    link.welcome_unsigned().await;
    assert!(link.client().await.is_some());
    let mut link = control_plane.socket().await;
    link.challenge_as(CONTROL_PLANE, Some(&foreign_key()))
        .await
        .unwrap();
    link.close_as(CloseCode::Rejected, Some(&foreign_key()))
        .await;

    let pinned = || std::fs::read_to_string(runner.file("runner.json")).unwrap();
    assert!(!pinned().contains("control_plane_key"));
    control_plane.runner().await;
    assert!(pinned().contains(&reoclo_wire::handshake::public_key(&own_key())));
    let mut link = control_plane.socket().await;
    let foreign = foreign_key();
    let stranger = link.challenge_as(CONTROL_PLANE, Some(&foreign));
    assert_eq!(stranger.await, None);
    control_plane.runner().await;
}

#[tokio::test]
async fn a_cut_link_is_made_again_and_the_command_goes_on() {
    let mut control_plane = ControlPlane::start().await;
    let runner = Runner::started(&control_plane);
    let mut client = control_plane.runner().await;
    let (id, go) = (new_id(), runner.file("go"));
    let wait = format!("while [ ! -e {} ]; do sleep 0.01; done", go.display());
    let mut following = client
        .start(&id, exec(&format!("echo a; {wait}; echo b")))
        .await;
    following.stdout_has("a\n").await;
    client.link.abort();
    let mut again = control_plane.runner().await;
    std::fs::write(go, "").unwrap();
    let ended = again.follow(&id, 0, 0).await.unwrap().ended().await;
    assert_eq!((ended.text(), ended.code()), ("a\nb\n", 0));
}

async fn closed_with(code: CloseCode) -> (ControlPlane, Runner) {
    let mut control_plane = ControlPlane::start().await;
    let runner = Runner::started(&control_plane);
    let mut link = control_plane.socket().await;
    link.challenge().await;
    link.close(code).await;
    (control_plane, runner)
}

#[tokio::test]
async fn a_rejected_runner_ends_and_says_why() {
    let (_control_plane, mut runner) = closed_with(CloseCode::Rejected).await;
    let error = runner.error().await;
    assert!(matches!(&error, RunnerError::Rejected(reason) if reason.contains("because")));
}

#[tokio::test]
async fn a_removed_server_ends_its_runner() {
    let (_control_plane, mut runner) = closed_with(CloseCode::Decommissioned).await;
    assert!(matches!(runner.error().await, RunnerError::Decommissioned));
}

#[tokio::test]
async fn a_server_that_is_removed_while_connected_ends_its_runner() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    let mut link = control_plane.socket().await;
    link.challenge().await;
    link.welcome().await;
    link.close(CloseCode::Decommissioned).await;
    assert!(matches!(runner.error().await, RunnerError::Decommissioned));
}

#[tokio::test]
async fn a_displaced_runner_and_one_of_a_control_plane_that_ends_come_back() {
    for code in [CloseCode::Displaced, CloseCode::ShuttingDown] {
        let (mut control_plane, _runner) = closed_with(code).await;
        assert_eq!(control_plane.runner().await.sh("true").await.code(), 0);
    }
}

/// For an hour behind the same name, as after a mistake in DNS.
#[tokio::test]
async fn another_control_plane_gets_no_proof_and_does_not_end_the_runner() {
    let mut control_plane = ControlPlane::start().await;
    let _runner = Runner::started(&control_plane);
    for _ in 0..3 {
        let mut link = control_plane.socket().await;
        let key = foreign_key();
        assert_eq!(link.challenge_as("another", Some(&key)).await, None);
    }
    control_plane.runner().await;
}

fn tls(dir: &std::path::Path) -> (TlsAcceptor, std::path::PathBuf) {
    tls_for(dir, "localhost")
}

/// A certificate for that name, and the file of its authority.
pub fn tls_for(dir: &std::path::Path, name: &str) -> (TlsAcceptor, std::path::PathBuf) {
    let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let file = dir.join("ca.pem");
    std::fs::write(&file, certified.cert.pem()).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[tokio::test]
async fn tls_is_spoken_with_whom_the_given_authority_knows() {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, ca_cert) = tls(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut control_plane = ControlPlane::listen(listener, Some(acceptor));
    let url = format!("https://localhost:{}", control_plane.address.port());
    let mut runner = Runner::with_url(&url);
    runner.options.ca_cert = Some(ca_cert);
    runner.start();
    let mut client = control_plane.runner().await;
    assert_eq!(
        client.sh("head -c 300000 /dev/zero").await.ranges,
        [(0, 300_000)]
    );
}

#[tokio::test]
async fn a_certificate_that_nobody_knows_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (acceptor, _) = tls(dir.path());
    let (_, other) = tls(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let control_plane = ControlPlane::listen(listener, Some(acceptor));
    let url = format!("https://localhost:{}", control_plane.address.port());
    let mut runner = Runner::with_url(&url);
    runner.options.ca_cert = Some(other);
    runner.start();
    eventually("two attempts", async || {
        (control_plane.requests("no TLS") >= 2).then_some(())
    })
    .await;
    assert_eq!(control_plane.enrolments().len(), 0);
}
