//! A server that was removed: its runner says so and ends for good.

use crate::fixture::{ControlPlane, Gate, Home, Process, Request, wait_until};

/// Exit code of a runner whose server was removed; systemd does not start it again.
const DECOMMISSIONED: i32 = 3;

fn connected(home: &Home) -> (ControlPlane, String, Process) {
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    (serve, added.server, runner)
}

fn remove(serve: &ControlPlane, server: &str) {
    let request = Request::new("DELETE", &format!("/api/servers/{server}"));
    let answer = serve.send(&request.bearer(&serve.integration().token));
    assert_eq!(answer.status, 204, "{}", answer.text());
}

/// That it ended for good, with one sentence at the end of its log.
#[track_caller]
fn expect_the_end(runner: Process) {
    let ended = runner.finished();
    assert_eq!(ended.code, Some(DECOMMISSIONED), "{}", ended.stderr);
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("reoclo: this server was removed"),
        "{last}"
    );
}

#[test]
fn a_removed_server_s_runner_ends_and_says_why() {
    let home = Home::new();
    let (serve, server, runner) = connected(&home);
    remove(&serve, &server);
    expect_the_end(runner);
    // Whoever starts it again is told the same.
    expect_the_end(home.runner("web", None));
}

#[test]
fn a_runner_that_was_offline_learns_it_when_it_is_back() {
    let home = Home::new();
    let (serve, server, mut runner) = connected(&home);
    runner.kill();
    serve.integration().wait_for_status(&server, "unreachable");
    remove(&serve, &server);
    expect_the_end(home.runner("web", None));
}

#[test]
fn what_runs_is_finished_and_then_the_supervisor_ends() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let (serve, server, runner) = connected(&home);
    let gate = Gate::new(&home, "gate");
    serve.automation().on(&server).start(&gate.command());
    gate.wait_for_begin();
    remove(&serve, &server);
    expect_the_end(runner);
    let socket = home.path("web").join("supervisor.sock");
    assert!(socket.exists(), "the supervisor waits for the command");
    gate.open();
    gate.wait_for_end();
    assert_eq!(gate.runs(), 1);
    wait_until("the supervisor ends", || !socket.exists());
}

#[test]
fn up_goes_on_without_the_runner_of_a_machine_that_was_removed() {
    let home = Home::new();
    let mut up = home.up();
    let key = up.integration().token;
    remove(&up, up.server());
    wait_until("up says that it keeps no runner", || {
        up.process.stderr().contains("no runner is kept")
    });
    assert!(up.process.stop().success());

    let up = home.up();
    assert!(up.line["server"].is_null(), "{}", up.line);
    assert_eq!(up.key(&key).servers().ok().as_array().unwrap().len(), 0);
    assert!(up.process.stderr().contains("local-server"));
}
