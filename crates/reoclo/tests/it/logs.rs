//! Full logs, from the real processes.

use serde_json::json;

use crate::fixture::{Database, Gate, Home};

const HEAD: usize = 1 << 20;
const RING: usize = 9 << 20;

/// What `seq 1 n` writes.
fn seq(n: usize) -> Vec<u8> {
    (1..=n)
        .flat_map(|number| format!("{number}\n").into_bytes())
        .collect()
}

#[test]
fn a_log_is_whole_where_the_answer_has_only_its_end() {
    let home = Home::new();
    let up = home.up();
    let (ci, person) = (up.automation(), up.integration());
    let ended = ci.run("seq 1 100000; seq 1 20000 >&2; printf 'a\\377\\000b'");
    ended.is("completed", 0);
    assert!(ended.stdout_truncated && ended.stderr_truncated);
    let mut stdout = seq(100_000);
    stdout.extend(b"a\xff\0b");
    for key in [&ci, &person] {
        let answer = key.log(&ended.id, "stdout", 0);
        assert_eq!(answer.status, 200);
        assert!(answer.body == stdout, "{} bytes", answer.body.len());
        let next = stdout.len().to_string();
        assert_eq!(answer.header("X-Reoclo-Next-Offset"), Some(next.as_str()));
        assert_eq!(
            answer.header("Content-Type"),
            Some("application/octet-stream")
        );
        let file = format!("attachment; filename=\"{}-stdout.log\"", ended.id);
        assert_eq!(answer.header("Content-Disposition"), Some(file.as_str()));
        let part = key.log(&ended.id, "stdout", 500_000);
        assert!(part.body == stdout[500_000..]);
        assert!(key.log(&ended.id, "stderr", 0).body == seq(20_000));
        let behind = key.log(&ended.id, "stdout", 1 << 40);
        assert!(behind.body.is_empty());
    }
}

#[test]
fn small_output_costs_no_rows_of_its_own() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let ended = key.run("seq 1 5000; echo oops >&2");
    assert!(key.log(&ended.id, "stdout", 0).body == seq(5000));
    assert_eq!(key.log(&ended.id, "stderr", 2).body, b"ps\n");
    let rows = Database::of(&home.data()).number("SELECT COUNT(*) FROM operation_logs");
    assert_eq!(rows, 0);
}

#[test]
fn of_a_huge_output_the_beginning_and_the_end_are_kept() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let ended = key.run_with(&json!({ "command": "seq 1 4000000", "timeout_seconds": 120 }));
    ended.is("completed", 0);
    let output = seq(4_000_000);
    let log = key.log(&ended.id, "stdout", 0).body;
    assert!(log.len() < HEAD + RING + (300 << 10), "{}", log.len());
    assert!(log[..HEAD] == output[..HEAD]);
    assert!(log.ends_with(&output[output.len() - RING..]));
    let text = String::from_utf8_lossy(&log[HEAD..HEAD + 400_000]);
    assert!(text.contains(" bytes were dropped here]"));
}

#[test]
fn a_log_survives_a_killed_control_plane() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let token = up.automation().token;
    let gate = Gate::new(&home, "gate");
    let id = up
        .automation()
        .start(&format!("seq 1 100000; {}seq 1 100000", gate.command()));
    gate.wait_for_begin();
    crate::fixture::wait_until("a part is stored", || {
        Database::of(&home.data()).number("SELECT COUNT(*) FROM operation_logs") > 0
    });
    // What runs has a log as well.
    let so_far = up.automation().log(&id, "stdout", 0);
    assert_eq!(so_far.status, 200);
    assert!(so_far.body.starts_with(&seq(30_000)));
    up.process.kill();
    let up = home.up();
    gate.open();
    let key = up.key(&token);
    key.ended(&id).is("completed", 0);
    let mut expected = seq(100_000);
    expected.extend(Gate::OUTPUT.bytes());
    expected.extend(seq(100_000));
    assert!(key.log(&id, "stdout", 0).body == expected);
}

#[test]
fn logs_beyond_the_limit_go_and_the_end_stays() {
    let home = Home::new().limits(&[("log_bytes", 0)]);
    let mut up = home.up();
    let token = up.automation().token;
    let ended = up.automation().run("seq 1 100000");
    up.process.stop();
    // The oldest go when a control plane starts, and then every ten minutes.
    let up = home.up();
    crate::fixture::wait_until("the log goes", || {
        Database::of(&home.data()).number("SELECT COUNT(*) FROM operation_logs") == 0
    });
    let log = up.key(&token).log(&ended.id, "stdout", 0).body;
    let output = seq(100_000);
    assert!(log.starts_with(b"\n[reoclo: "));
    assert!(log.ends_with(&output[output.len() - (64 << 10)..]));
}
