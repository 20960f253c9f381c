//! Two runners with one identity: somebody copied a data directory.

use std::fs;
use std::path::Path;

use crate::fixture::{ControlPlane, Gate, Home, Process, wait_until};

/// What a runner is, without its lock, socket and spool.
fn copy_identity(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in ["identity.pk8", "runner.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

fn connected(home: &Home) -> (ControlPlane, String, Process) {
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    (serve, added.server, runner)
}

/// Starts a runner on a copy, and waits until it has taken the first one's place.
fn displaced(home: &Home) -> Process {
    copy_identity(&home.path("web"), &home.path("copy"));
    let copy = home.runner("copy", None);
    wait_until("the displacement is audited", || {
        home.audit("export", &[])
            .stdout
            .contains("\"runner.displaced\"")
    });
    copy
}

#[test]
fn a_second_connection_takes_the_place_of_the_first_and_is_audited() {
    let home = Home::new();
    let (serve, server, mut first) = connected(&home);
    let key = serve.automation().on(&server);
    key.run("true").is("completed", 0);
    let _copy = displaced(&home);
    wait_until("the first runner says so", || {
        first
            .stderr()
            .contains("another runner has connected as this server")
    });
    assert!(
        !first.has_ended(),
        "it comes back later, should the other go"
    );

    for name in ["gate-1", "gate-2", "gate-3"] {
        let gate = Gate::new(&home, name);
        gate.open();
        let ended = key.run(&gate.command());
        ended.is("completed", 0);
        assert_eq!(ended.stdout, Gate::OUTPUT);
        assert_eq!(gate.runs(), 1);
    }
    serve.integration().wait_for_status(&server, "active");
}

#[test]
fn a_command_of_the_displaced_runner_is_not_run_again_and_not_left_running() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let (serve, server, _first) = connected(&home);
    let key = serve.automation().on(&server);
    let gate = Gate::new(&home, "gate");
    let id = key.start(&gate.command());
    gate.wait_for_begin();
    let _copy = displaced(&home);
    gate.open();
    // The copy knows nothing of it.
    key.ended(&id).is("failed", 255);
    gate.wait_for_end();
    assert_eq!(gate.runs(), 1);
}

#[test]
fn a_second_runner_on_the_same_directory_is_refused() {
    let home = Home::new();
    let (serve, server, first) = connected(&home);
    let refused = home.runner("web", None).finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let who = first.pid().to_string();
    assert!(refused.stderr.contains(&who), "{}", refused.stderr);
    serve
        .automation()
        .on(&server)
        .run("true")
        .is("completed", 0);
}
