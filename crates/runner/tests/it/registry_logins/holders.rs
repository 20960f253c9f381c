//! Who holds a login, and until when.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use reoclo_wire::proto::finished::State;

use super::{DOCKER, HUB, World, is_done};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn the_login_of_one_goes_with_the_last_who_holds_it() {
    let mut world = World::new().await;
    for holder in ["org/run/1", "org/run/2", "org/key/a", "other/run/1"] {
        is_done(&world.login("a.example", holder).await);
    }
    is_done(&world.login("a.example", "org/run/1").await);
    for (holder, left) in [
        ("org/run/1", 3),
        ("nobody", 3),
        ("org/key/a", 2),
        ("other/run/1", 1),
    ] {
        world.restart().await;
        let finished = is_done(&world.logout("a.example", holder).await);
        assert_eq!(finished.still_held, left, "{holder}");
        assert!(
            finished.message.contains("stays on the server"),
            "{finished:?}"
        );
        assert_eq!(world.names(), ["a.example"]);
    }
    let finished = is_done(&world.logout("a.example", "org/run/2").await);
    assert_eq!((finished.still_held, finished.message.as_str()), (0, ""));
    assert_eq!(world.names(), [""; 0]);
    // Nobody holds it any more, so whoever logs in and out ends it.
    is_done(&world.login("a.example", "org/run/3").await);
    is_done(&world.logout("a.example", "org/run/3").await);
    assert_eq!(world.names(), [""; 0]);
}

#[tokio::test]
async fn who_holds_one_registry_holds_no_other() {
    let mut world = World::new().await;
    is_done(&world.login(HUB, "org/run/1").await);
    is_done(&world.login("a.example", "org/run/2").await);
    is_done(&world.login("a.example:5000", "org/run/3").await);
    let finished = is_done(&world.logout("a.example:5000", "org/run/1").await);
    assert_eq!(finished.still_held, 1);
    is_done(&world.logout("a.example:5000", "org/run/3").await);
    assert_eq!(world.names(), [""; 0]);
}

#[tokio::test]
async fn who_does_not_log_out_holds_a_login_for_a_day() {
    let mut world = World::new().await;
    is_done(&world.login("a.example", "org/run/crashed").await);
    world.supervisor.clock.set_ahead(DAY / 2);
    is_done(&world.login("a.example", "org/run/2").await);
    let finished = is_done(&world.logout("a.example", "org/run/2").await);
    assert_eq!(finished.still_held, 1);
    assert_eq!(world.names(), ["a.example"]);
    world.supervisor.clock.set_ahead(DAY);
    is_done(&world.login("a.example", "org/run/3").await);
    is_done(&world.logout("a.example", "org/run/3").await);
    assert_eq!(world.names(), [""; 0]);
}

#[tokio::test]
async fn a_login_that_was_removed_by_hand_stays_for_nobody() {
    let mut world = World::new().await;
    is_done(&world.login("a.example", "org/run/1").await);
    is_done(&world.login("a.example", "org/run/2").await);
    world.write("{}");
    let finished = is_done(&world.logout("a.example", "org/run/1").await);
    assert_eq!((finished.still_held, finished.message.as_str()), (0, ""));
}

#[tokio::test]
async fn who_failed_to_log_in_holds_nothing() {
    let script = format!(
        "[ \"$2\" != --username=ada ] || [ ! -e \"$DOCKER_CONFIG/refuse\" ] || exit 1\n{DOCKER}"
    );
    let mut world = World::with(&script, None).await;
    let refuse = world.directory().join("refuse");
    fs::write(&refuse, "").unwrap();
    assert_eq!(world.login("a.example", "org/run/1").await.code(), 1);
    fs::remove_file(&refuse).unwrap();
    is_done(&world.login("a.example", "org/run/2").await);
    // Who holds it and fails to renew it still does.
    fs::write(&refuse, "").unwrap();
    assert_eq!(world.login("a.example", "org/run/2").await.code(), 1);
    let finished = is_done(&world.logout("a.example", "org/run/1").await);
    assert_eq!(finished.still_held, 1);
    is_done(&world.logout("a.example", "org/run/2").await);
    assert_eq!(world.names(), [""; 0]);
}

#[tokio::test]
async fn what_holders_are_called_is_not_on_the_disk() {
    let mut world = World::new().await;
    is_done(
        &world
            .login("a.example", "org/run/rca_a-secret-as-an-id")
            .await,
    );
    let file = world.supervisor.file("registry-logins.json");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("a.example"), "{text}");
    for secret in ["a-secret", "a-password", "ada"] {
        assert!(!text.contains(secret), "{text}");
    }
    let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
}

/// A data directory that cannot be written, such as on a full disk.
#[tokio::test]
async fn nobody_logs_in_whom_the_server_could_not_remember() {
    let mut world = World::new().await;
    fs::create_dir(world.supervisor.file("registry-logins.json.new")).unwrap();
    let ended = world.login("a.example", "org/run/1").await;
    assert_eq!(ended.finished.state(), State::NotRun);
    assert_eq!(ended.code(), 125);
    assert!(
        ended.finished.message.contains("data directory"),
        "{:?}",
        ended.finished
    );
    assert_eq!(world.names(), [""; 0]);
}
