//! How a server gets its identity.

use std::os::unix::fs::PermissionsExt;

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use reoclo_domain::Secret;
use reoclo_runner::{EnrolError, EnrolRequestOptions, RunnerError, enrol, is_running};

use crate::ambient::ambient;
use crate::control_plane::{ControlPlane, OTHER_SERVER, Plan, SERVER, is_proven};
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

/// A sign-in page or a proxy answers for the moment: a service goes on.
#[tokio::test]
async fn something_else_than_a_control_plane_does_not_end_a_service() {
    let mut control_plane = ControlPlane::start().await;
    for (status, body) in [
        (StatusCode::NOT_FOUND, "<html>"),
        (StatusCode::NOT_FOUND, r#"{"detail":"Not Found"}"#),
        (StatusCode::OK, "{}"),
        (StatusCode::UNAUTHORIZED, ""),
    ] {
        control_plane.plan(Plan::Answer(status, HeaderMap::new(), body));
    }
    let _runner = Runner::started(&control_plane);
    control_plane.runner().await;
    assert_eq!(control_plane.enrolments().len(), 5);
}

fn request(runner: &Runner, token: &str) -> EnrolRequestOptions {
    EnrolRequestOptions {
        data_dir: runner.dir.path().to_owned(),
        url: runner.options.url.clone().unwrap(),
        token: Secret::new(token),
        ca_cert: None,
        timing: runner.options.timing,
    }
}

#[tokio::test]
async fn whoever_waits_for_an_enrolment_is_told_at_once_that_this_is_no_control_plane() {
    let control_plane = ControlPlane::start().await;
    let runner = Runner::new(&control_plane);
    let ask = async || enrol(request(&runner, TOKEN), ambient()).await.unwrap_err();
    let not_found = Plan::Answer(StatusCode::NOT_FOUND, HeaderMap::new(), "<html>");
    control_plane.plan(not_found);
    let error = ask().await;
    assert!(matches!(
        error,
        RunnerError::Enrol(EnrolError::Unexpected(_))
    ));
    control_plane.plan(Plan::Answer(StatusCode::OK, HeaderMap::new(), "{}"));
    let error = ask().await;
    assert!(matches!(error, RunnerError::Enrol(EnrolError::Malformed)));
}

#[tokio::test]
async fn an_enrolment_that_somebody_waits_for_ends_in_time() {
    let control_plane = ControlPlane::start().await;
    let runner = Runner::new(&control_plane);
    control_plane.plan(Plan::Silence);
    let mut options = request(&runner, TOKEN);
    options.timing.enrolment = Duration::from_millis(300);
    options.timing.handshake = Duration::from_millis(100);
    for _ in 0..100 {
        control_plane.plan(Plan::Silence);
    }
    let error = enrol(options, ambient()).await.unwrap_err();
    assert!(
        matches!(error, RunnerError::EnrolledTooLate { .. }),
        "{error}"
    );
}

fn files(runner: &Runner, begin: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(runner.dir.path()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| {
        path.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with(begin)
    });
    paths.map(|path| std::fs::read(path).unwrap()).collect()
}

/// While its runner is running, too.
#[tokio::test]
async fn a_new_token_makes_the_machine_another_server_and_keeps_the_old_identity_aside() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    let before = (
        files(&runner, "identity.pk8"),
        files(&runner, "runner.json"),
    );

    let same = enrol(request(&runner, TOKEN), ambient()).await.unwrap();
    assert!(!same.is_new);
    control_plane.set_server(OTHER_SERVER);
    let ambient = ambient();
    // What made the first key.
    ambient.entropy.fill(&mut [0; 64]);
    let enrol = async || enrol(request(&runner, "ren_other"), ambient.clone()).await;
    let other = enrol().await.unwrap();
    assert_eq!(
        (other.server_id.as_str(), other.is_new),
        (OTHER_SERVER, true)
    );
    assert_eq!(other.was.as_deref(), Some(SERVER));
    let keys = control_plane.enrolments();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0].public_key, keys[1].public_key);
    assert_eq!(files(&runner, "identity.pk8.old-"), before.0);
    assert_eq!(files(&runner, "runner.json.old-"), before.1);
    let again = enrol().await.unwrap();
    assert!(!again.is_new && control_plane.enrolments().len() == 2);

    runner.kill().await;
    runner.options.token = None;
    runner.start();
    let mut link = control_plane.socket().await;
    let (challenge, proof) = link.challenge().await;
    assert_eq!(proof.server_id, OTHER_SERVER);
    assert!(is_proven(&keys[1], &challenge, &proof));
}

#[tokio::test]
async fn a_service_with_a_new_token_enrols_anew_and_with_a_bad_one_stays() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    runner.kill().await;
    runner.options.token = Some(Secret::new("ren_bad"));
    let body = r#"{"detail":"The token has expired.","code":"invalid"}"#;
    let refusal = Plan::Answer(StatusCode::BAD_REQUEST, HeaderMap::new(), body);
    control_plane.plan(refusal);
    runner.start();
    let (_, proof) = control_plane.socket().await.challenge().await;
    assert_eq!(proof.server_id, SERVER);
    runner.kill().await;
    control_plane.set_server(OTHER_SERVER);
    runner.options.token = Some(Secret::new("ren_other"));
    runner.start();
    let (_, proof) = control_plane.socket().await.challenge().await;
    assert_eq!(proof.server_id, OTHER_SERVER);
}

/// Its file does not tell with which token it was enrolled.
#[tokio::test]
async fn the_same_token_again_on_a_machine_of_before_changes_nothing() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    control_plane.runner().await;
    runner.kill().await;
    runner.forget_keys();
    let used = r#"{"detail":"The token was used already.","code":"invalid"}"#;
    control_plane.plan(Plan::Answer(
        StatusCode::BAD_REQUEST,
        HeaderMap::new(),
        used,
    ));
    let same = enrol(request(&runner, TOKEN), ambient()).await.unwrap();
    assert!(!same.is_new && same.server_id == SERVER);
    let keys = control_plane.enrolments();
    assert_eq!(keys[2].public_key, keys[0].public_key, "it asks as itself");
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
