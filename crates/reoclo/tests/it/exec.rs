//! Running a command: what comes back, and when.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{Gate, Home, Request, wait_until};

#[test]
fn the_answer_has_what_clients_read() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let fields = json!({
        "command": "echo out; echo err >&2; exit 7",
        "timeout_seconds": 30,
        "run_id": "4711",
        "run_context": {
            "provider": "github_actions", "repository": "a/b", "workflow": "", "trigger": "push",
            "actor": "ada", "sha": null, "of_our_own": "x",
        },
    });
    let answer = key.exec(&fields);
    let body = answer.ok();
    assert_eq!(body["status"], "completed");
    assert_eq!(body["exit_code"], 7);
    assert_eq!(body["stdout"], "out\n");
    assert_eq!(body["stderr"], "err\n");
    assert!(body["duration_ms"].is_u64(), "{body}");

    let id = body["operation_id"].as_str().unwrap();
    let record = key.operation(id).ok();
    assert_eq!(record["operation_id"], id);
    assert_eq!(record["operation_type"], "exec");
    assert_eq!(record["server_id"], up.server());
    assert!(!record["server_name"].as_str().unwrap().is_empty());
    assert_eq!(record["status"], "completed");
    assert_eq!(record["run_id"], "4711");
    assert_eq!(record["run_context"]["provider"], "github_actions");
    assert_eq!(record["run_context"]["of_our_own"], "x");
    assert!(record["started_at"].as_str().unwrap() <= record["completed_at"].as_str().unwrap());
    for field in ["exit_code", "stdout", "stderr", "duration_ms"] {
        assert_eq!(record["result"][field], body[field], "{field}");
    }
    // Some clients send this header without a body.
    let path = format!("/api/automation/v1/operations/{id}");
    let request = Request::get(&path).header("Content-Type", "application/json");
    assert_eq!(up.send(&request.bearer(&key.token)).ok(), record);
}

#[test]
fn exit_codes_tell_how_a_command_ended() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    key.run("true").is("completed", 0);
    key.run("exit 255").is("completed", 255);
    key.run("no-such-program-anywhere").is("completed", 127);
    key.run("kill -9 $$").is("completed", 137);
    key.run("kill -TERM $$").is("completed", 143);
    let late = key.run_with(&json!({ "command": "echo begun; sleep 100", "timeout_seconds": 1 }));
    late.is("timeout", 124);
    assert_eq!(late.stdout, "begun\n");
}

#[test]
fn a_timeout_ends_what_ignores_it_and_what_the_command_started() {
    let home = Home::new();
    let up = home.up();
    let pids = home.path("pids");
    let stubborn = format!(
        "trap '' TERM; echo $$ >> '{}'; while true; do sleep 0.05; done",
        pids.display()
    );
    let command = format!("sh -c \"$STUBBORN\" & sh -c \"$STUBBORN\"; {stubborn}");
    let late = up.automation().run_with(&json!({
        "command": command, "env": { "STUBBORN": stubborn }, "timeout_seconds": 1,
    }));
    late.is("timeout", 124);
    let pids = fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    for pid in pids.lines() {
        // Of a process that nobody has reaped yet, this file is empty.
        let line = format!("/proc/{pid}/cmdline");
        wait_until("the process is gone", || {
            fs::read(&line).unwrap_or_default().is_empty()
        });
    }
}

#[test]
fn a_long_command_answers_running_and_has_its_record_later() {
    let home = Home::with_timing(&[("inline_wait", 0.2)]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let answer = key.exec(&json!({ "command": gate.command() })).ok();
    assert_eq!(answer["status"], "running", "{answer}");
    let id = answer["operation_id"].as_str().unwrap();
    let record = key.operation(id).ok();
    assert_eq!(record["status"], "running");
    assert_eq!(
        (&record["result"], &record["completed_at"]),
        (&Value::Null, &Value::Null)
    );
    gate.open();
    let ended = key.ended(id);
    ended.is("completed", 0);
    assert_eq!(ended.stdout, Gate::OUTPUT);
    assert_eq!(gate.runs(), 1);
}

#[test]
fn a_script_of_many_lines_runs_where_and_with_what_it_is_told() {
    let home = Home::new();
    let up = home.up();
    let directory = home.path("a place with ' and \"");
    fs::create_dir(&directory).unwrap();
    let directory = directory.to_str().unwrap();
    let ended = up.automation().run_with(&json!({
        "command": "set -eu\nfor name in A B; do\n  eval \"echo \\\"$name=\\$$name\\\"\"\ndone\npwd\n",
        "working_directory": directory,
        "env": { "A": "one two", "B": "$(echo no) 'ü' \n last" },
    }));
    ended.is("completed", 0);
    let expected = format!("A=one two\nB=$(echo no) 'ü' \n last\n{directory}\n");
    assert_eq!(ended.stdout, expected);
}

#[test]
fn a_command_gets_no_environment_but_its_own() {
    let home = Home::new();
    let up = home.up();
    let ended = up
        .automation()
        .run_with(&json!({ "command": "env", "env": { "MINE": "1" } }));
    let mut names: Vec<&str> = ended
        .stdout
        .lines()
        .map(|line| line.split('=').next().unwrap())
        .collect();
    names.sort_unstable();
    // The shell itself sets PWD, and some set `_` or SHLVL; not every user has a runtime directory.
    let may_be = ["PWD", "OLDPWD", "_", "SHLVL", "XDG_RUNTIME_DIR"];
    names.retain(|name| !may_be.contains(name));
    let own = [
        "HOME",
        "LANG",
        "LOGNAME",
        "MINE",
        "PATH",
        "REOCLO_OPERATION_ID",
        "SHELL",
        "USER",
    ];
    assert_eq!(names, own);
    let open = up
        .automation()
        .run("ls -l /proc/self/fd | grep -c -e socket -e reoclo.db; true");
    assert_eq!(open.stdout, "0\n");
}

#[test]
fn the_end_of_long_output_is_kept() {
    let home = Home::new();
    let up = home.up();
    let key = up.automation();
    let ended = key.run("seq 1 100000; seq 1 10 >&2");
    assert!(ended.stdout_truncated && !ended.stderr_truncated);
    assert_eq!(ended.stdout.len(), 64 * 1024);
    assert!(ended.stdout.ends_with("\n99999\n100000\n"));
    assert_eq!(ended.stderr.lines().count(), 10);
    let record = key.operation(&ended.id).ok();
    assert_eq!(record["result"]["stdout"], ended.stdout.as_str());
    assert_eq!(record["result"]["stdout_truncated"], true);

    let exactly = key.run("head -c 65536 /dev/zero | tr '\\0' x");
    assert_eq!(
        (exactly.stdout.len(), exactly.stdout_truncated),
        (64 * 1024, false)
    );
}

#[test]
fn more_output_than_is_kept_does_not_block_the_command() {
    let home = Home::new();
    let up = home.up();
    let command = "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2; echo over";
    let ended = up.automation().run(command);
    ended.is("completed", 0);
    assert!(ended.stdout.ends_with("over\n"));
    assert!(ended.stdout_truncated && ended.stderr_truncated);
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let home = Home::new();
    let up = home.up();
    let ended = up
        .automation()
        .run("printf 'a\\377\\000b\\n'; printf 'gr\\303\\274n'");
    ended.is("completed", 0);
    assert_eq!(ended.stdout, "a\u{fffd}\0b\ngrün");
}

#[test]
fn a_child_that_stays_behind_does_not_hold_the_answer() {
    let home = Home::new();
    let up = home.up();
    let ended = up.automation().run("sleep 300 & echo over");
    ended.is("completed", 0);
    assert_eq!(ended.stdout, "over\n");
}

#[test]
fn a_client_that_goes_away_does_not_stop_the_command() {
    let home = Home::new();
    let up = home.up();
    let gate = Gate::new(&home, "gate");
    let leaving = up
        .automation()
        .exec_and_leave(&json!({ "command": gate.command() }));
    gate.wait_for_begin();
    drop(leaving);
    // The control plane is there and has heard of it.
    up.automation().run("true").is("completed", 0);
    gate.open();
    gate.wait_for_end();
    let exported = || home.audit("export", &[]).stdout;
    wait_until("the outcome is in the audit log", || {
        exported().matches("\"operation.end\"").count() == 2
    });
    assert_eq!(gate.runs(), 1);
}
