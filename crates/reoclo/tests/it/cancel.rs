//! Operations that are ended before their time.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::fixture::{ControlPlane, Gate, Home};

/// The audited cancels, newest first.
fn audited(up: &ControlPlane) -> Vec<Value> {
    let rows = up
        .integration()
        .get("/api/audit-logs?action=operation.cancel");
    rows.ok()["items"].as_array().unwrap().clone()
}

#[test]
fn a_command_that_is_cancelled_ends_with_130_and_leaves_nothing_behind() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let up = home.up();
    let (ci, person) = (up.automation(), up.integration());
    for (number, key) in [&ci, &person].into_iter().enumerate() {
        let gate = Gate::new(&home, &format!("gate{number}"));
        let id = ci.start(&gate.command());
        gate.wait_for_begin();
        let answer = key.cancel(&id).ok();
        assert_eq!(answer["operation_id"], id);
        assert_eq!(answer["delivered"], true);
        // Asking again is no mistake, whether it has ended by now or not.
        key.cancel(&id).ok();
        let ended = ci.ended(&id);
        ended.is("failed", 130);
        assert_eq!(ended.code.as_deref(), Some("cancelled"));
        assert_eq!(ended.stdout, "first\n");
        assert_eq!(key.cancel(&id).ok()["status"], "failed");
        gate.open();
    }
    let rows = audited(&up);
    assert!(rows.len() >= 2, "{rows:?}");
    assert_eq!(rows[0]["actor_type"], "integration_key");

    let done = ci.run("true");
    let detail = ci.cancel(&done.id).refused(409, "conflict");
    assert!(detail.contains("completed"), "{detail}");
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}

#[test]
fn a_command_that_ignores_term_is_killed() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let id = key.start(&format!("trap '' TERM\n{}", gate.command()));
    gate.wait_for_begin();
    key.cancel(&id).ok();
    key.ended(&id).is("failed", 130);
}

fn kill_runner(home: &Home, directory: &str) {
    let file = home.path(directory).join("runner.lock");
    let pid = std::fs::read_to_string(file).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

#[test]
fn a_server_that_is_away_hears_of_it_when_it_is_back() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut serve = home.serve_with(&[]);
    let url = serve.url().to_owned();
    let added = home.add_server("away");
    let (ci, person) = (serve.automation().on(&added.server), serve.integration());
    let runner = home.runner("runner", Some((&url, &added.token)));
    person.wait_for_status(&added.server, "active");
    let gate = Gate::new(&home, "gate");
    let id = ci.start(&gate.command());
    gate.wait_for_begin();
    kill_runner(&home, "runner");
    drop(runner);
    person.wait_for_status(&added.server, "unreachable");
    let answer = ci.cancel(&id).ok();
    assert_eq!(answer["status"], "running");
    assert_eq!(answer["delivered"], false);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("not connected")
    );

    // The wish outlives the control plane as well.
    let port = url.rsplit(':').next().unwrap().to_owned();
    let (ci_token, listen) = (ci.token, format!("127.0.0.1:{port}"));
    serve.process.kill();
    let serve = home.serve_with(&["--listen", &listen]);
    let _runner = home.runner("runner", None);
    let ended = serve.key(&ci_token).ended(&id);
    ended.is("failed", 130);
    assert_eq!(ended.code.as_deref(), Some("cancelled"));
}

#[test]
fn an_operation_that_waits_for_room_is_cancelled_at_once() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]).limits(&[("operations_per_server", 1)]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let running = key.start(&gate.command());
    gate.wait_for_begin();
    let mark = home.path("mark");
    let waiting = key.start(&format!("touch '{}'", mark.display()));
    let answer = key.cancel(&waiting).ok();
    assert_eq!(answer["status"], "failed");
    let ended = key.ended(&waiting);
    ended.is("failed", 130);
    assert_eq!(ended.code.as_deref(), Some("cancelled"));
    gate.open();
    key.ended(&running).is("completed", 0);
    key.run("true").is("completed", 0);
    assert!(!mark.exists());
}

#[test]
fn a_key_cancels_only_what_it_started() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let id = key.start(&gate.command());
    gate.wait_for_begin();
    let path = format!("/api/automation/v1/operations/{id}/cancel");
    up.integration().post(&path).refused(403, "wrong_key_type");
    for id in ["nonsense", up.server()] {
        key.cancel(id).refused(404, "not_found");
        up.integration().cancel(id).refused(404, "not_found");
    }
    assert_eq!(key.operation(&id).ok()["status"], "running");
    gate.open();
    key.ended(&id).is("completed", 0);
    key.cancel(&id).refused(409, "conflict");
    assert!(audited(&up).is_empty());
}
