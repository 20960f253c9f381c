//! SIGTERM.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fixture::{Gate, Home};

/// The product's promise, and as much again for a machine that has much else to do.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn a_waiting_exec_is_told_that_it_runs_and_has_its_result_after_the_restart() {
    let home = Home::new();
    let mut up = home.up();
    let gate = Gate::new(&home, "gate");
    let fields = json!({ "command": gate.command() });
    let key = up.automation();
    let waiting = thread::spawn(move || key.exec(&fields).ok());
    gate.wait_for_begin();
    // Somebody who connects and says nothing does not hold it up.
    let _silent = TcpStream::connect(up.url().strip_prefix("http://").unwrap()).unwrap();

    let begun = Instant::now();
    assert!(up.process.stop().success(), "{}", up.process.stderr());
    assert!(begun.elapsed() < LONGEST);
    // The runner goes first, and has nothing to complain about.
    let said = up.process.stderr();
    assert!(!said.contains("not connected"), "{said}");
    let answer = waiting.join().unwrap();
    assert_eq!(answer["status"], "running", "{answer}");
    assert!(
        answer
            .get("exit_code")
            .is_none_or(serde_json::Value::is_null)
    );

    let later = home.up();
    let key = later.key(&up.automation().token);
    let id = answer["operation_id"].as_str().unwrap();
    assert_eq!(key.operation(id).ok()["status"], "running");
    gate.open();
    let ended = key.ended(id);
    ended.is("completed", 0);
    assert_eq!(ended.stdout, Gate::OUTPUT);
    assert_eq!(gate.runs(), 1);
}

#[test]
fn a_command_that_ends_while_nobody_is_there_has_its_result_later() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let gate = Gate::new(&home, "gate");
    let id = up.automation().start(&gate.command());
    gate.wait_for_begin();
    assert!(up.process.stop().success());
    gate.open();
    gate.wait_for_end();

    let later = home.up();
    let ended = later.key(&up.automation().token).ended(&id);
    ended.is("completed", 0);
    assert_eq!(ended.stdout, Gate::OUTPUT);
    assert_eq!(gate.runs(), 1);
}

#[test]
fn serve_and_runner_stop_when_they_are_asked() {
    let home = Home::new();
    let mut serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let mut runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    assert!(runner.stop().success());
    serve
        .integration()
        .wait_for_status(&added.server, "unreachable");
    assert!(serve.process.stop().success());
}
