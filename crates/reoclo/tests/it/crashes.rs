//! kill -9 of everything there is, in the middle of commands.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::fixture::{Ended, Gate, Home, eventually, wait_until};

/// The process that holds a lock in the directory of the runner that `up` starts.
fn holder(home: &Home, what: &str) -> Pid {
    let file = home.own_runner().join(format!("{what}.lock"));
    let pid = fs::read_to_string(file).unwrap();
    Pid::from_raw(pid.trim().parse().unwrap()).unwrap()
}

fn kill(pid: Pid) {
    // It may be gone.
    let _ = kill_process(pid, Signal::KILL);
}

/// Kills in the middle of a command, and expects its whole result once everything is back.
fn survives(kills_control_plane: bool, kills_runner: bool) {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let token = up.automation().token;
    let gate = Gate::new(&home, "gate");
    let id = up.automation().start(&gate.command());
    gate.wait_for_begin();
    let runner = holder(&home, "runner");
    if kills_control_plane {
        up.process.kill();
    }
    if kills_runner {
        kill(runner);
    }
    if kills_control_plane {
        up = home.up();
    }
    let key = up.key(&token);
    assert_eq!(key.operation(&id).ok()["status"], "running");
    gate.open();
    let ended = key.ended(&id);
    ended.is("completed", 0);
    assert_eq!(ended.stdout, Gate::OUTPUT);
    assert_eq!(gate.runs(), 1);
    key.run("true").is("completed", 0);
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}

#[test]
fn a_killed_control_plane_picks_up_what_runs() {
    survives(true, false);
}

#[test]
fn a_killed_runner_loses_nothing() {
    survives(false, true);
}

#[test]
fn both_killed_together_lose_nothing() {
    survives(true, true);
}

#[test]
fn a_command_that_ended_while_both_were_dead_has_its_whole_result() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let token = up.automation().token;
    let gate = Gate::new(&home, "gate");
    let id = up
        .automation()
        .start(&format!("{}seq 1 20000", gate.command()));
    gate.wait_for_begin();
    let runner = holder(&home, "runner");
    up.process.kill();
    kill(runner);
    gate.open();
    gate.wait_for_end();

    let ended = home.up().key(&token).ended(&id);
    ended.is("completed", 0);
    assert!(
        ended.stdout.ends_with("\n19999\n20000\n"),
        "{}",
        ended.stdout.len()
    );
    assert_eq!(gate.runs(), 1);
}

#[test]
fn what_a_killed_supervisor_ran_goes_on_as_running_and_is_then_lost() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let up = home.up();
    let key = up.automation();
    let gate = Gate::new(&home, "gate");
    let id = key.start(&gate.command());
    gate.wait_for_begin();
    kill(holder(&home, "supervisor"));
    up.integration().wait_for_status(up.server(), "active");
    let again = eventually("commands run again", || {
        let answer = key.exec(&json!({ "command": "echo back" }));
        (answer.status == 200).then(|| answer.json())
    });
    let again = again["operation_id"].as_str().unwrap();
    assert_eq!(key.ended(again).stdout, "back\n");
    assert_eq!(key.operation(&id).ok()["status"], "running");

    gate.open();
    let ended = key.ended(&id);
    ended.is("failed", 255);
    assert_eq!(ended.code.as_deref(), Some("lost"));
    assert_eq!(ended.stdout, "first\n");
    assert!(
        ended.stderr.contains("before you run it again"),
        "clients show stderr when something failed: {}",
        ended.stderr
    );
    gate.wait_for_end();
    assert_eq!(gate.runs(), 1);
}

/// Kills the supervisor of a command, which does not escape its time limit by that.
#[test]
fn a_killed_supervisor_lets_no_command_outlive_its_time_limit() {
    let home = Home::with_timing(&[("inline_wait", 0.1), ("kill_grace", 0.3)]);
    let up = home.up();
    let key = up.automation();
    let survivor = format!("600.{}1", std::process::id());
    let command = format!("echo go; (setsid sleep {survivor} &); sleep {survivor}");
    let answer = key
        .exec(&json!({ "command": command, "timeout_seconds": 4 }))
        .ok();
    let id = answer["operation_id"].as_str().unwrap();
    wait_until("it runs", || sleepers(&survivor) == 2);
    kill(holder(&home, "supervisor"));
    let ended = key.ended(id);
    assert_eq!(sleepers(&survivor), 0);
    ended.is("failed", 255);
    assert_eq!(ended.code.as_deref(), Some("lost"));
    let seen = up.integration().get(&format!("/api/operations/{id}")).ok();
    let message = seen["message"].as_str().unwrap();
    assert!(message.contains("time limit of 4 s"), "{seen}");
    assert!(
        seen["result"]["duration_ms"].as_i64().unwrap() >= 4000,
        "{seen}"
    );
    let page = up.set_up().get(&format!("/operations/{id}"));
    assert!(
        page.text().contains("before you run it again"),
        "{}",
        page.text()
    );
}

/// On a server whose control plane is away as well.
#[test]
fn a_time_limit_is_kept_although_supervisor_and_control_plane_are_gone() {
    let home = Home::with_timing(&[("inline_wait", 0.1), ("kill_grace", 0.3)]);
    let mut serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let _runner = home.runner("web", Some((serve.url(), &added.token)));
    let key = serve.automation().on(&added.server);
    serve.integration().wait_for_status(&added.server, "active");
    let survivor = format!("600.{}2", std::process::id());
    let answer = key.exec(&json!({
        "timeout_seconds": 4,
        "command": format!("(setsid sleep {survivor} &); sleep {survivor}"),
    }));
    answer.ok();
    wait_until("it runs", || sleepers(&survivor) == 2);
    serve.process.kill();
    let supervisor = fs::read_to_string(home.path("web/supervisor.lock")).unwrap();
    kill(Pid::from_raw(supervisor.trim().parse().unwrap()).unwrap());
    wait_until("it is ended", || sleepers(&survivor) == 0);
}

/// How many processes sleep for so long.
fn sleepers(mark: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    let sleep = format!("sleep\0{mark}\0");
    lines
        .filter(|line| line.ends_with(sleep.as_bytes()))
        .count()
}

#[test]
fn everything_killed_at_once_leaves_no_command_running_for_ever() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut up = home.up();
    let token = up.automation().token;
    let gate = Gate::new(&home, "gate");
    let id = up.automation().start(&gate.command());
    gate.wait_for_begin();
    let (runner, supervisor) = (holder(&home, "runner"), holder(&home, "supervisor"));
    up.process.kill();
    kill(runner);
    kill(supervisor);
    gate.open();
    let later = home.up();
    later.key(&token).ended(&id).is("failed", 255);
    later.key(&token).run("true").is("completed", 0);
    assert_eq!(gate.runs(), 1);
}

/// A client that goes on whatever happens, while control plane and runner are killed in turn:
/// what was acknowledged has an end, and nothing has run twice.
#[test]
fn whatever_is_killed_whenever_no_command_is_lost_or_run_twice() {
    let home = Home::with_timing(&[("inline_wait", 5.0), ("start_deadline", 5.0)]);
    let mut up = home.up();
    let token = up.automation().token;
    let runs = home.path("runs");
    // Command number → the operation that was acknowledged.
    let mut acknowledged: HashMap<usize, String> = HashMap::new();
    let mut number = 0;
    for round in 0..4 {
        let key = up.key(&token);
        let stop = AtomicBool::new(false);
        let (runs, from) = (&runs, number);
        let (acknowledged_now, next) = thread::scope(|scope| {
            let client = scope.spawn(|| {
                let (mut acknowledged, mut number) = (Vec::new(), from);
                while !stop.load(Ordering::SeqCst) && number < from + 200 {
                    let command = format!("echo {number} >> '{}'", runs.display());
                    if let Ok(answer) = key.try_exec(&json!({ "command": command }))
                        && answer.status == 200
                    {
                        let id = answer.json()["operation_id"].as_str().unwrap().to_owned();
                        acknowledged.push((number, id));
                    }
                    number += 1;
                }
                (acknowledged, number)
            });
            wait_until("commands run", || {
                lines(runs).iter().filter(|line| **line >= from).count() > 10
            });
            if round % 2 == 0 {
                up.process.kill();
            } else {
                kill(holder(&home, "runner"));
                wait_until("it is back", || {
                    up.key(&token).exec(&json!({ "command": "true" })).status == 200
                });
            }
            stop.store(true, Ordering::SeqCst);
            client.join().unwrap()
        });
        acknowledged.extend(acknowledged_now);
        number = next;
        if round % 2 == 0 {
            up = home.up();
        }
    }

    let key = up.key(&token);
    let ends: HashMap<usize, Ended> = acknowledged
        .iter()
        .map(|(number, id)| (*number, key.ended(id)))
        .collect();
    wait_until("nothing runs any more", || {
        crate::fixture::Database::of(&home.data())
            .number("SELECT COUNT(*) FROM operations WHERE state = 'running'")
            == 0
    });
    let mut counts: HashMap<usize, usize> = HashMap::new();
    for line in lines(&runs) {
        *counts.entry(line).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    for (number, ended) in ends {
        let ran = counts.contains_key(&number);
        match ended.status.as_str() {
            "completed" => assert!(ran, "{number}: {ended:?}"),
            _ => assert!(!ran || ended.exit_code == 255, "{number}: {ended:?}"),
        }
    }
    assert_eq!(home.audit("verify", &[]).code, Some(0));
}

fn lines(file: &std::path::Path) -> Vec<usize> {
    let text = fs::read_to_string(file).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| line.parse().unwrap()).collect()
}
