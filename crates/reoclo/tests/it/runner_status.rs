//! `reoclo runner status`, and the log of a runner under a service manager.

use std::os::fd::AsFd;
use std::process::Stdio;

use serde_json::Value;

use crate::fixture::{Gate, Home, wait_until};

fn status(home: &Home, data: &str) -> (Option<i32>, Value) {
    let data = home.path(data);
    let arguments = ["runner", "status", "--output", "json", "--data-dir"];
    let done = home.run(&[&arguments[..], &[data.to_str().unwrap()]].concat());
    (done.code, serde_json::from_str(&done.stdout).unwrap())
}

#[test]
fn the_status_says_who_is_connected_since_when_and_what_runs() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    assert_eq!(
        status(&home, "web"),
        (
            Some(1),
            serde_json::json!({
                "server": null, "runner": null, "supervisor": null
            })
        )
    );
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let mut runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    let gate = Gate::new(&home, "gate");
    serve.automation().on(&added.server).start(&gate.command());
    gate.wait_for_begin();

    let (code, shown) = status(&home, "web");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(shown["server"]["id"], added.server);
    assert_eq!(shown["server"]["url"], serve.url());
    assert_eq!(shown["runner"]["pid"], runner.pid());
    assert_eq!(shown["runner"]["state"], "connected");
    assert!(shown["runner"]["since"].as_str().unwrap().ends_with('Z'));
    assert_eq!(shown["runner"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(shown["supervisor"]["running_operations"], 1);
    gate.open();
    gate.wait_for_end();
    serve
        .automation()
        .on(&added.server)
        .run("true")
        .is("completed", 0);
    wait_until("nothing runs", || {
        status(&home, "web").1["supervisor"]["running_operations"] == 0
    });

    runner.stop();
    let (code, shown) = status(&home, "web");
    assert_eq!((code, &shown["runner"]), (Some(1), &Value::Null));
    assert_eq!(shown["server"]["id"], added.server);
}

#[test]
fn a_runner_that_cannot_connect_says_why() {
    let home = Home::new();
    let mut serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    serve.process.kill();
    wait_until("the runner waits", || {
        status(&home, "web").1["runner"]["state"] == "waiting"
    });
    let data = home.path("web");
    let shown = home.run(&["runner", "status", "--data-dir", data.to_str().unwrap()]);
    assert_eq!(shown.code, Some(1));
    let lines: Vec<_> = shown.stdout.lines().collect();
    assert!(
        lines[0].starts_with("server") && lines[0].contains(&added.server),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("runner      waiting since"),
        "{lines:?}"
    );
}

#[test]
fn lines_for_the_journal_have_a_priority_and_no_time() {
    let home = Home::new();
    let file = std::fs::File::create(home.path("journal")).unwrap();
    let found = rustix::fs::fstat(file.as_fd()).unwrap();
    let mut command = home.command(&[
        "runner",
        "--data-dir",
        "web",
        "--url",
        "http://example.com",
        "--token",
        "x",
    ]);
    let stream = format!("{}:{}", found.st_dev, found.st_ino);
    command
        .env("JOURNAL_STREAM", stream)
        .stderr(Stdio::from(file));
    assert_eq!(command.status().unwrap().code(), Some(2));
    let log = std::fs::read_to_string(home.path("journal")).unwrap();
    assert!(log.lines().all(|line| line.starts_with('<')), "{log}");
    assert!(
        log.lines().last().unwrap().starts_with("<3>reoclo: "),
        "{log}"
    );
}
