//! How a server gets its identity.

use std::os::unix::fs::PermissionsExt;

use http::{HeaderMap, StatusCode};
use reoclo_runner::{EnrolError, RunnerError, is_running};

use crate::control_plane::{ControlPlane, Plan, SERVER, is_proven};
use crate::runner::{Runner, TOKEN};

#[tokio::test]
async fn a_new_runner_enrols_and_proves_its_identity() {
    let mut control_plane = ControlPlane::start().await;
    let runner = Runner::started(&control_plane);
    let mut link = control_plane.socket().await;
    let (challenge, proof) = link.challenge().await;
    let enrolments = control_plane.enrolments();
    assert_eq!((enrolments.len(), enrolments[0].token.as_str()), (1, TOKEN));
    assert!(!enrolments[0].hostname.is_empty());
    assert_eq!(proof.server_id, SERVER);
    assert!(is_proven(&enrolments[0], &challenge, &proof));
    assert_eq!(
        is_running(runner.dir.path()).unwrap(),
        Some(std::process::id())
    );
    for file in ["identity.pk8", "runner.json", "runner.lock"] {
        let mode = std::fs::metadata(runner.file(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let stored = std::fs::read_to_string(runner.file("runner.json")).unwrap();
    assert!(!stored.contains(TOKEN));
}

#[tokio::test]
async fn a_refusal_is_told_as_it_was_said() {
    let control_plane = ControlPlane::start().await;
    let body = r#"{"detail":"The token was used already.","code":"conflict","request_id":"x"}"#;
    control_plane.plan(Plan::Answer(StatusCode::CONFLICT, HeaderMap::new(), body));
    let error = Runner::started(&control_plane).error().await;
    assert_eq!(
        error.to_string(),
        "the control plane refused to enrol this server: The token was used already."
    );
}

#[tokio::test]
async fn something_else_than_a_control_plane_is_recognised() {
    let control_plane = ControlPlane::start().await;
    control_plane.plan(Plan::Answer(
        StatusCode::NOT_FOUND,
        HeaderMap::new(),
        "<html>",
    ));
    let error = Runner::started(&control_plane).error().await;
    assert!(matches!(
        error,
        RunnerError::Enrol(EnrolError::Unexpected(_))
    ));
    control_plane.plan(Plan::Answer(StatusCode::OK, HeaderMap::new(), "{}"));
    let error = Runner::started(&control_plane).error().await;
    assert!(matches!(error, RunnerError::Enrol(EnrolError::Malformed)));
}

#[tokio::test]
async fn a_repeated_enrolment_comes_with_the_same_key() {
    let mut control_plane = ControlPlane::start().await;
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    control_plane.plan(Plan::Answer(busy, HeaderMap::new(), ""));
    control_plane.plan(Plan::Silence);
    let mut runner = Runner::started(&control_plane);
    crate::ambient::eventually("a second attempt", async || {
        (control_plane.enrolments().len() == 2).then_some(())
    })
    .await;
    runner.kill().await;
    runner.start();
    control_plane.runner().await;
    let keys = control_plane
        .enrolments()
        .into_iter()
        .map(|enrolment| enrolment.public_key);
    let keys: Vec<String> = keys.collect();
    assert_eq!(keys, vec![keys[0].clone(); 3]);
}

#[tokio::test]
async fn without_a_token_a_new_runner_says_what_it_needs() {
    let control_plane = ControlPlane::start().await;
    let mut runner = Runner::new(&control_plane);
    runner.options.token = None;
    runner.start();
    assert!(matches!(runner.error().await, RunnerError::NotEnrolled));
}

#[tokio::test]
async fn a_second_runner_on_the_same_directory_is_refused() {
    let mut control_plane = ControlPlane::start().await;
    let first = Runner::started(&control_plane);
    control_plane.runner().await;
    let mut second = Runner::new(&control_plane);
    second.options.data_dir = first.dir.path().to_owned();
    second.start();
    let error = second.error().await.to_string();
    assert!(error.contains("already running"), "{error}");
}

#[tokio::test]
async fn plaintext_does_not_leave_the_machine() {
    for url in ["http://192.0.2.1:7676", "ws://reoclo.example.com"] {
        let mut runner = Runner::with_url(url);
        runner.start();
        assert!(matches!(runner.error().await, RunnerError::Address(_)));
    }
}

#[tokio::test]
async fn an_address_given_later_replaces_the_stored_one() {
    let mut before = ControlPlane::start().await;
    let mut runner = Runner::started(&before);
    before.runner().await;
    runner.kill().await;
    let mut after = ControlPlane::start().await;
    runner.options.url = Some(after.url());
    runner.start();
    after.runner().await;
    runner.kill().await;
    runner.options.url = None;
    runner.start();
    after.runner().await;
    assert_eq!(after.enrolments().len(), 0);
}
