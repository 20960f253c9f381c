//! More operations than a server may run at a time.

use std::fs;

use serde_json::json;

use crate::fixture::{ControlPlane, Gate, Home, wait_until};

/// One at a time, and answers that wait for nothing.
fn narrow(timing: &[(&str, f64)]) -> Home {
    let mut changes = vec![("inline_wait", 0.1)];
    changes.extend(timing);
    Home::with_timing(&changes).limits(&[("operations_per_server", 1), ("queued_per_server", 8)])
}

fn mark(home: &Home, number: usize) -> String {
    format!("echo {number} >> '{}'", home.path("order").display())
}

fn order(home: &Home) -> String {
    fs::read_to_string(home.path("order")).unwrap_or_default()
}

fn is_queued(up: &ControlPlane, id: &str) -> bool {
    up.integration().get(&format!("/api/operations/{id}")).ok()["queued"] == true
}

#[test]
fn what_came_first_runs_first_and_waits_as_running() {
    let home = narrow(&[]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let running = key.start(&gate.command());
    gate.wait_for_begin();
    let waiting: Vec<_> = (0..8)
        .map(|number| key.start(&mark(&home, number)))
        .collect();
    assert!(!is_queued(&up, &running));
    for id in &waiting {
        assert_eq!(key.operation(id).ok()["status"], "running");
        assert!(is_queued(&up, id));
    }
    assert_eq!(
        key.events(&waiting[0], None).wait_for("status").data["queued"],
        true
    );
    let busy = key.exec(&json!({ "command": "true" }));
    busy.refused(429, "server_busy");
    assert!(busy.header("Retry-After").is_some());
    gate.open();
    for id in &waiting {
        key.ended(id).is("completed", 0);
    }
    assert_eq!(order(&home), "0\n1\n2\n3\n4\n5\n6\n7\n");
    key.run("true").is("completed", 0);
}

#[test]
fn a_queue_survives_a_killed_control_plane_in_its_order() {
    let home = narrow(&[("start_deadline", 5.0)]);
    let mut up = home.up();
    let token = up.automation().token;
    let gate = Gate::new(&home, "gate");
    let running = up.automation().start(&gate.command());
    gate.wait_for_begin();
    let key = up.automation();
    let waiting: Vec<_> = (0..6)
        .map(|number| key.start(&mark(&home, number)))
        .collect();
    up.process.kill();
    let up = home.up();
    let key = up.key(&token);
    for id in &waiting {
        assert_eq!(key.operation(id).ok()["status"], "running");
    }
    gate.open();
    key.ended(&running).is("completed", 0);
    for id in &waiting {
        key.ended(id).is("completed", 0);
    }
    assert_eq!(order(&home), "0\n1\n2\n3\n4\n5\n");
    assert_eq!(gate.runs(), 1);
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}

#[test]
fn whenever_it_is_killed_while_a_queue_moves_nothing_runs_twice_or_is_lost() {
    let home = narrow(&[("start_deadline", 5.0)]);
    let mut up = home.up();
    let token = up.automation().token;
    for round in 0..3 {
        let key = up.key(&token);
        let first = round * 8;
        let ids: Vec<_> = (first..first + 8)
            .map(|number| {
                let command = format!("{}; sleep 0.05", mark(&home, number));
                let answer = key.exec(&json!({ "command": command })).ok();
                answer["operation_id"].as_str().unwrap().to_owned()
            })
            .collect();
        wait_until("some have run", || order(&home).lines().count() > first + 2);
        up.process.kill();
        up = home.up();
        let key = up.key(&token);
        for id in &ids {
            key.ended(id).is("completed", 0);
        }
    }
    let expected: Vec<_> = (0..24).map(|number| number.to_string()).collect();
    assert_eq!(order(&home).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_waits_too_long_never_runs() {
    let home = narrow(&[("queue_wait", 1.0)]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let running = key.start(&gate.command());
    gate.wait_for_begin();
    let waiting = key.start(&mark(&home, 0));
    let ended = key.ended(&waiting);
    ended.is("failed", 125);
    assert_eq!(ended.code.as_deref(), Some("queue_timeout"));
    gate.open();
    key.ended(&running).is("completed", 0);
    key.run("true").is("completed", 0);
    assert_eq!(order(&home), "");
}
