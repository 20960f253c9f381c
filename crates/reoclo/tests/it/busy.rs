//! More commands than a server takes.

use serde_json::json;

use crate::fixture::{Ended, Home};

/// Above every limit.
const MOST: usize = 1_000;

#[test]
fn a_server_with_too_much_to_do_refuses_and_runs_nothing() {
    let home = Home::with_timing(&[("inline_wait", 0.0)])
        .limits(&[("operations_per_server", 128), ("queued_per_server", 0)]);
    let up = home.up();
    let key = up.automation();
    let (pipe, ran) = (home.path("pipe"), home.path("ran"));
    key.ended(&key.start(&format!("mkfifo '{}'", pipe.display())));
    // Each waits for somebody who writes, at no cost.
    let wait = format!(
        "echo x >> '{}'; read line < '{}'",
        ran.display(),
        pipe.display()
    );
    let mut begun = Vec::new();
    let refused = loop {
        assert!(begun.len() < MOST, "there is a limit");
        let answer = key.exec(&json!({ "command": wait, "timeout_seconds": 900 }));
        if answer.status != 200 {
            break answer;
        }
        let answer = answer.ok();
        if let Some(ended) = Ended::of_answer(&answer) {
            panic!("after {}: {ended:?}", begun.len());
        }
        begun.push(answer["operation_id"].as_str().unwrap().to_owned());
    };
    refused.refused(429, "server_busy");
    assert!(refused.header("Retry-After").is_some());

    // All that were accepted run, and end when they may.
    let runs = || {
        std::fs::read_to_string(&ran)
            .unwrap_or_default()
            .lines()
            .count()
    };
    crate::fixture::wait_until("all run", || runs() == begun.len());
    std::fs::remove_file(&pipe).unwrap();
}
