//! The connection between runner and control plane: cut, silent, half open, slow to deliver.

use std::fmt::Write;
use std::thread;

use serde_json::json;

use crate::fixture::{
    ControlPlane, Database, Gate, Home, Key, Process, Proxy, free_port, wait_until,
};

/// A control plane and one runner, with a proxy between.
struct Linked {
    proxy: Proxy,
    serve: ControlPlane,
    server: String,
    _runner: Process,
}

impl Linked {
    fn new(home: &Home) -> Self {
        Self::with(home, &[])
    }

    /// With these flags for the runner.
    fn with(home: &Home, more: &[&str]) -> Self {
        let port = free_port();
        let proxy = Proxy::to(port);
        let (listen, url) = (format!("127.0.0.1:{port}"), proxy.url());
        let serve = home.serve_with(&["--listen", &listen, "--public-url", &url]);
        let serve = serve.at(&format!("http://{listen}"));
        let added = home.add_server("web");
        let runner = home.runner_with("web", Some((&url, &added.token)), more);
        let linked = Self {
            proxy,
            serve,
            server: added.server,
            _runner: runner,
        };
        linked.wait_for("active");
        linked
    }

    fn wait_for(&self, status: &str) {
        self.serve
            .integration()
            .wait_for_status(&self.server, status);
    }

    fn key(&self) -> Key {
        self.serve.automation().on(&self.server)
    }

    /// Waits until the control plane has accepted an exec.
    fn wait_for_operation(home: &Home) {
        let mut database = Database::of(&home.data());
        wait_until("an operation is accepted", || {
            database.number("SELECT COUNT(*) FROM operations") > 0
        });
    }
}

fn expect_whole_output(key: &Key, id: &str, gate: &Gate) {
    let ended = key.ended(id);
    ended.is("completed", 0);
    assert_eq!(ended.stdout, Gate::OUTPUT);
    assert_eq!(gate.runs(), 1);
}

#[test]
fn a_cut_in_the_middle_loses_no_output() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let linked = Linked::new(&home);
    let gate = Gate::new(&home, "gate");
    let id = linked.key().start(&gate.command());
    gate.wait_for_begin();
    linked.proxy.refuse();
    linked.wait_for("unreachable");
    assert_eq!(linked.key().operation(&id).ok()["status"], "running");
    gate.open();
    gate.wait_for_end();
    linked.proxy.accept();
    expect_whole_output(&linked.key(), &id, &gate);
    linked.wait_for("active");
}

#[test]
fn a_client_that_waits_through_a_cut_gets_the_result() {
    let home = Home::new();
    let linked = Linked::new(&home);
    let gate = Gate::new(&home, "gate");
    let (key, fields) = (linked.key(), json!({ "command": gate.command() }));
    let waiting = thread::spawn(move || key.exec(&fields).ok());
    gate.wait_for_begin();
    linked.proxy.cut();
    gate.open();
    let answer = waiting.join().unwrap();
    assert_eq!(answer["status"], "completed", "{answer}");
    assert_eq!(answer["stdout"], Gate::OUTPUT);
    assert_eq!(gate.runs(), 1);
}

#[test]
fn cuts_in_the_middle_of_much_output_leave_no_gap() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let linked = Linked::new(&home);
    // Well below what is kept, so that every byte has to be there.
    let lines = 6_000;
    let command = format!(
        "i=0; while [ $i -lt {lines} ]; do i=$((i+1)); echo line $i; done | \
         while read -r line; do echo \"$line\"; done; sleep 0.2"
    );
    let id = linked.key().start(&command);
    for _ in 0..3 {
        linked.proxy.cut();
        linked.wait_for("active");
    }
    let ended = linked.key().ended(&id);
    ended.is("completed", 0);
    let mut expected = String::new();
    for number in 1..=lines {
        writeln!(expected, "line {number}").unwrap();
    }
    let kept = &expected[expected.len().saturating_sub(64 * 1024)..];
    assert!(
        ended.stdout == kept,
        "{} bytes instead of {}",
        ended.stdout.len(),
        kept.len()
    );
}

#[test]
fn a_silent_link_shows_and_loses_no_output() {
    let timing = [
        ("inline_wait", 0.1),
        ("keepalive_every", 0.5),
        ("keepalive_timeout", 1.5),
    ];
    let home = Home::with_timing(&timing);
    let linked = Linked::new(&home);
    let gate = Gate::new(&home, "gate");
    let id = linked.key().start(&gate.command());
    gate.wait_for_begin();
    linked.proxy.silence();
    linked.wait_for("unreachable");
    gate.open();
    gate.wait_for_end();
    linked.proxy.cut();
    linked.proxy.resume();
    linked.wait_for("active");
    expect_whole_output(&linked.key(), &id, &gate);
}

#[test]
fn a_runner_finds_out_by_itself_that_its_link_is_half_open() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let linked = Linked::new(&home);
    let gate = Gate::new(&home, "gate");
    let id = linked.key().start(&gate.command());
    gate.wait_for_begin();
    linked.proxy.leave_half_open();
    linked.wait_for("unreachable");
    gate.open();
    linked.wait_for("active");
    expect_whole_output(&linked.key(), &id, &gate);
}

/// There is more to send than the network takes, so neither a ping nor its answer would come
/// through, and nobody closes anything.
#[test]
fn a_full_link_that_leads_nowhere_is_left_for_another() {
    const COMMANDS: usize = 24;
    const BYTES: usize = 3_000_000;
    let timing = [
        ("inline_wait", 0.1),
        ("keepalive_every", 0.5),
        ("keepalive_timeout", 1.5),
    ];
    let home = Home::with_timing(&timing);
    let linked = Linked::with(
        &home,
        &["--keepalive-every", "1", "--keepalive-timeout", "2"],
    );
    let go = home.path("go");
    let command = format!(
        "while [ ! -e '{}' ]; do sleep 0.02; done; head -c {BYTES} /dev/zero | tr '\\0' x",
        go.display()
    );
    let key = linked.key();
    let ids: Vec<_> = (0..COMMANDS).map(|_| key.start(&command)).collect();
    linked.proxy.silence_what_is_there();
    std::fs::write(go, "").unwrap();
    linked.wait_for("unreachable");
    linked.wait_for("active");
    for id in ids {
        key.ended(&id).is("completed", 0);
    }
}

#[test]
fn a_command_that_never_arrived_never_runs() {
    let timing = [
        ("inline_wait", 0.1),
        ("start_deadline", 1.0),
        ("keepalive_every", 0.5),
        ("keepalive_timeout", 1.5),
    ];
    let home = Home::with_timing(&timing);
    let linked = Linked::new(&home);
    linked.proxy.silence();
    let ran = home.path("ran");
    let id = linked.key().start(&format!("touch '{}'", ran.display()));
    linked.wait_for("unreachable");
    linked.proxy.cut();
    linked.proxy.resume();
    let ended = linked.key().ended(&id);
    ended.is("failed", 125);
    assert_eq!(ended.code.as_deref(), Some("not_started"));
    linked.wait_for("active");
    linked.key().run("true").is("completed", 0);
    assert!(!ran.exists());
}

#[test]
fn a_command_that_arrives_too_late_never_runs() {
    let timing = [
        ("inline_wait", 0.1),
        ("start_deadline", 0.5),
        ("keepalive_every", 60.0),
        ("keepalive_timeout", 60.0),
    ];
    let home = Home::with_timing(&timing);
    let linked = Linked::new(&home);
    linked.proxy.silence();
    let ran = home.path("ran");
    let id = linked.key().start(&format!("touch '{}'", ran.display()));
    // The time itself is what matters here: the request lies in the network until it is over.
    thread::sleep(std::time::Duration::from_secs(1));
    linked.proxy.resume();
    let ended = linked.key().ended(&id);
    ended.is("failed", 125);
    linked.key().run("true").is("completed", 0);
    assert!(!ran.exists());
}

#[test]
fn a_command_in_time_on_a_link_that_pauses_runs_once() {
    let home = Home::with_timing(&[("keepalive_every", 60.0), ("keepalive_timeout", 60.0)]);
    let linked = Linked::new(&home);
    let gate = Gate::new(&home, "gate");
    gate.open();
    linked.proxy.silence();
    let (key, fields) = (linked.key(), json!({ "command": gate.command() }));
    let waiting = thread::spawn(move || key.exec(&fields).ok());
    Linked::wait_for_operation(&home);
    linked.proxy.resume();
    let answer = waiting.join().unwrap();
    assert_eq!(answer["stdout"], Gate::OUTPUT, "{answer}");
    assert_eq!(gate.runs(), 1);
}
