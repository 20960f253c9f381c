//! A runner that follows the control plane's program, under a service that starts it again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::fixture::{ControlPlane, Gate, Home, Key, Process, free_port, wait_until};

const OWN: &str = env!("CARGO_BIN_EXE_reoclo");

/// A control plane on one address, and a machine with a runner that a service keeps running.
struct Machine<'h> {
    home: &'h Home,
    listen: String,
    serve: ControlPlane,
    server: String,
    tokens: [String; 2],
    _service: Process,
}

impl<'h> Machine<'h> {
    /// With a program that is another build than the test's, which the control plane offers too.
    fn new(home: &'h Home) -> Self {
        Self::that_tries_again(home, "3600")
    }

    /// After so many seconds.
    fn that_tries_again(home: &'h Home, again: &str) -> Self {
        let older = older_build(home);
        let listen = format!("127.0.0.1:{}", free_port());
        let serve = serve(home, &listen, Some(&older));
        let added = home.add_server("web");
        let program = program(home);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::copy(&older, &program).unwrap();
        let service = service(home, serve.url(), &added.token, again);
        serve.integration().wait_for_status(&added.server, "active");
        Self {
            home,
            listen,
            tokens: [serve.integration().token, serve.automation().token],
            serve,
            server: added.server,
            _service: service,
        }
    }

    /// The control plane comes back with another program for runners; none is its own.
    fn restart_with(&mut self, program: Option<&Path>) {
        assert!(self.serve.process.stop().success());
        self.serve = serve(self.home, &self.listen, program);
        self.wait_for("active");
    }

    fn wait_for(&self, status: &str) {
        let key = self.serve.key(&self.tokens[0]);
        key.wait_for_status(&self.server, status);
    }

    fn key(&self) -> Key {
        self.serve.key(&self.tokens[1]).on(&self.server)
    }

    fn status(&self) -> Value {
        let data = self.home.path("web");
        let arguments = ["runner", "status", "--output", "json", "--data-dir"];
        let shown = self
            .home
            .run(&[&arguments[..], &[data.to_str().unwrap()]].concat());
        serde_json::from_str(&shown.stdout).unwrap()
    }

    /// The process of the supervisor that takes what is new; nothing while there is none.
    fn supervisor(&self) -> Value {
        self.status()["supervisor"]["pid"].clone()
    }

    /// The process that a new command is a child of.
    fn parent_of_a_command(&self) -> Value {
        let mut parent = Value::Null;
        wait_until("a command runs", || {
            let command = json!({ "command": "echo $PPID" });
            let answer = self.key().try_exec(&command);
            let Some(id) = answer.ok().filter(|answer| answer.status == 200) else {
                return false;
            };
            let ended = self
                .key()
                .ended(id.json()["operation_id"].as_str().unwrap());
            parent = serde_json::from_str(ended.stdout.trim()).unwrap_or_default();
            ended.status == "completed"
        });
        parent
    }

    /// How often an upgrade that failed stands in the audit log, and what it says.
    fn failures(&self) -> Vec<String> {
        let exported = self.home.audit("export", &[]).stdout;
        let lines = exported.lines().map(str::to_owned);
        lines
            .filter(|line| line.contains("runner.upgrade_failed"))
            .collect()
    }

    /// That a program that is no good was left again, and is reported once.
    fn expect_failure(&mut self, program: &Path, reason: &str) {
        self.restart_with(Some(program));
        wait_until("the failure is audited", || !self.failures().is_empty());
        wait_until("the previous program is back", || {
            is_same(&self::program(self.home), &self.home.path("older"))
        });
        self.wait_for("active");
        self.key().run("true").is("completed", 0);
        // The same program is not tried again.
        self.restart_with(Some(program));
        self.key().run("true").is("completed", 0);
        let failures = self.failures();
        assert_eq!(failures.len(), 1, "{failures:?}");
        assert!(failures[0].contains(reason), "{failures:?}");
    }
}

fn serve(home: &Home, listen: &str, program: Option<&Path>) -> ControlPlane {
    let mut flags = vec!["--listen", listen];
    if let Some(program) = program {
        flags.extend(["--runner-program", program.to_str().unwrap()]);
    }
    home.serve_with(&flags)
}

fn program(home: &Home) -> PathBuf {
    home.path("installed/reoclo")
}

/// What systemd does: starts the program again unless it ended for good.
fn service(home: &Home, url: &str, token: &str, again: &str) -> Process {
    let script = format!(
        "while :; do '{}' runner --data-dir web --installed --url {url} --token {token} \
         --supervisor-idle 5; case $? in 2|3) exit;; esac; sleep 0.1; done",
        program(home).display()
    );
    let mut command = home.shell(&script);
    command.env("REOCLO_UPGRADE_WITHIN", "3");
    command.env("REOCLO_RESTART_PATIENCE", "2");
    command.env("REOCLO_UPGRADE_AGAIN", again);
    home.spawn(command)
}

/// The program with some bytes behind its end, which nothing reads: another build of it.
fn older_build(home: &Home) -> PathBuf {
    let path = home.path("older");
    let mut bytes = fs::read(OWN).unwrap();
    bytes.extend_from_slice(b"older");
    executable(&path, &bytes);
    path
}

/// The same once more.
fn another_build(home: &Home) -> PathBuf {
    let path = home.path("another");
    let mut bytes = fs::read(OWN).unwrap();
    bytes.extend_from_slice(b"another");
    executable(&path, &bytes);
    path
}

/// A program that says that it is one.
fn pretender(home: &Home, script: &str) -> PathBuf {
    let path = home.path("pretender");
    let version = format!("reoclo {}", env!("CARGO_PKG_VERSION"));
    let text = format!("#!/bin/sh\ncase \"$*\" in --version) echo {version};; {script} esac\n");
    executable(&path, text.as_bytes());
    path
}

fn executable(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

fn is_same(one: &Path, other: &Path) -> bool {
    // While it is being replaced there may be none for a moment of the test's own.
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

#[test]
fn a_runner_becomes_the_control_plane_s_program_and_commands_go_on() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut machine = Machine::new(&home);
    let gate = Gate::new(&home, "gate");
    let id = machine.key().start(&gate.command());
    gate.wait_for_begin();
    let before = machine.status();

    machine.restart_with(None);
    wait_until("the program was replaced", || {
        is_same(&program(&home), Path::new(OWN))
    });
    let previous = home.path("installed/reoclo.previous");
    assert!(is_same(&previous, &home.path("older")));
    machine.wait_for("active");
    let upgrade = || fs::read_to_string(home.path("web/upgrade.json")).unwrap_or_default();
    wait_until("the new program is kept", || upgrade().contains("\"done\""));
    let after = machine.status();
    assert_eq!(
        after["runner"]["pid"], before["runner"]["pid"],
        "it is the same process"
    );

    gate.open();
    let ended = machine.key().ended(&id);
    ended.is("completed", 0);
    assert_eq!((ended.stdout.as_str(), gate.runs()), (Gate::OUTPUT, 1));
    wait_until("the supervisor was replaced too", || {
        let supervisor = &machine.status()["supervisor"]["pid"];
        supervisor.is_number() && *supervisor != before["supervisor"]["pid"]
    });
    machine.wait_for("active");
    wait_until("commands run", || {
        machine
            .key()
            .try_exec(&serde_json::json!({ "command": "true" }))
            .is_ok_and(|answer| answer.status == 200)
    });
    assert_eq!(machine.failures(), [""; 0]);
}

/// Commands run throughout: each supervisor goes on with its own, and the newest takes what is new.
#[test]
fn a_server_that_is_never_idle_is_upgraded_too() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut machine = Machine::new(&home);
    let newest = another_build(&home);
    let mut begun = Vec::new();
    for (name, program) in [("first", None), ("second", Some(newest.as_path()))] {
        let gate = Gate::new(&home, name);
        let id = machine.key().start(&gate.command());
        gate.wait_for_begin();
        let cancelled = machine.key().start("echo begun; exec sleep 1000");
        begun.push((gate, id, cancelled));

        let before = machine.supervisor();
        assert_eq!(before, machine.parent_of_a_command());
        machine.restart_with(program);
        wait_until("another supervisor is there", || {
            let now = machine.supervisor();
            now.is_number() && now != before
        });
        machine.wait_for("active");
        assert_eq!(machine.parent_of_a_command(), machine.supervisor());
        let previous = machine.status()["previous_supervisors"].clone();
        let previous = previous.as_array().unwrap();
        assert_eq!(previous.len(), begun.len(), "{previous:?}");
        let found = previous.iter().find(|found| found["pid"] == before);
        assert_eq!(found.unwrap()["running_operations"], 2, "{previous:?}");
    }
    for (gate, id, cancelled) in &begun {
        machine.key().cancel(cancelled).ok();
        machine.key().ended(cancelled).is("failed", 130);
        gate.open();
        let ended = machine.key().ended(id);
        ended.is("completed", 0);
        assert_eq!((ended.stdout.as_str(), gate.runs()), (Gate::OUTPUT, 1));
        assert_eq!(machine.parent_of_a_command(), machine.supervisor());
    }
    wait_until("nobody is left behind", || {
        machine.status()["previous_supervisors"].is_null()
    });
    wait_until("everything is forgotten", || {
        fs::read_dir(home.path("web/spool")).unwrap().count() == 0
    });
    let places = fs::read_dir(home.path("web/supervisors")).unwrap();
    assert_eq!(places.count(), 1);
    assert_eq!(machine.failures(), [""; 0]);
}

/// Whoever is killed, what ran goes on, and is seen through by who is there.
#[test]
fn supervisors_side_by_side_outlive_each_other() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let mut machine = Machine::new(&home);
    let gates = ["first", "second"].map(|name| Gate::new(&home, name));
    let ids = gates.each_ref().map(|gate| {
        let id = machine.key().start(&gate.command());
        gate.wait_for_begin();
        id
    });
    let before = machine.supervisor();
    machine.restart_with(None);
    wait_until("another supervisor is there", || {
        let now = machine.supervisor();
        now.is_number() && now != before
    });
    machine.wait_for("active");

    // The one in front is killed: the next finds the one behind it.
    let second = machine.supervisor();
    kill(&second);
    wait_until("a third supervisor is there", || {
        let now = machine.supervisor();
        now.is_number() && now != second
    });
    gates[0].open();
    let ended = machine.key().ended(&ids[0]);
    ended.is("completed", 0);
    assert_eq!((ended.stdout.as_str(), gates[0].runs()), (Gate::OUTPUT, 1));

    // The one behind it is killed: what it ran is taken over.
    kill(&before);
    wait_until("nobody is left behind", || {
        machine.status()["previous_supervisors"].is_null()
    });
    assert_eq!(machine.key().operation(&ids[1]).ok()["status"], "running");
    gates[1].open();
    let ended = machine.key().ended(&ids[1]);
    ended.is("failed", 255);
    assert_eq!(gates[1].runs(), 1);
    machine.key().run("true").is("completed", 0);
}

fn kill(pid: &Value) {
    let pid = i32::try_from(pid.as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn a_program_that_cannot_connect_never_takes_the_place() {
    let home = Home::new();
    let mut machine = Machine::new(&home);
    let broken = pretender(&home, "*) exit 1;;");
    machine.expect_failure(&broken, "could not connect when it was tried");
    assert!(!home.path("installed/reoclo.previous").exists());
}

#[test]
fn a_program_that_hangs_is_replaced_by_the_previous_one() {
    let home = Home::new();
    let mut machine = Machine::new(&home);
    let hangs = pretender(&home, "'runner probe '*) ;; *) exec sleep 1000;;");
    machine.expect_failure(&hangs, "did not connect within 3 seconds");
}

#[test]
fn a_program_that_crashes_is_replaced_by_the_previous_one() {
    let home = Home::new();
    let mut machine = Machine::new(&home);
    let crashes = pretender(&home, "'runner probe '*) ;; *) exit 1;;");
    machine.expect_failure(&crashes, "did not connect within 3 seconds");
}

/// Its service takes it for one that is not to be started again.
#[test]
fn a_program_that_ends_for_good_is_replaced_and_the_previous_one_runs() {
    for code in [2, 3] {
        let home = Home::new();
        let mut machine = Machine::new(&home);
        let ends = pretender(&home, &format!("'runner probe '*) ;; *) exit {code};;"));
        machine.expect_failure(&ends, "it ended, and did not connect within 3 seconds");
    }
}

#[test]
fn a_program_that_took_too_long_is_tried_again_later() {
    let home = Home::new();
    let mut machine = Machine::that_tries_again(&home, "1");
    let hangs = pretender(&home, "'runner probe '*) ;; *) exec sleep 1000;;");
    machine.restart_with(Some(&hangs));
    wait_until("it failed twice", || machine.failures().len() >= 2);
}

/// What a crash between two steps of a change leaves, with this test's program in its place.
struct Trial<'h> {
    home: &'h Home,
    server: String,
    listen: String,
    token: String,
}

impl<'h> Trial<'h> {
    fn new(home: &'h Home) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        let mut serve = home.serve_with(&["--listen", &listen]);
        let added = home.add_server("web");
        let mut runner = home.runner("web", Some((serve.url(), &added.token)));
        let token = serve.integration().token;
        serve.key(&token).wait_for_status(&added.server, "active");
        runner.kill();
        assert!(serve.process.stop().success());
        let program = program(home);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        fs::copy(OWN, &program).unwrap();
        fs::rename(older_build(home), program.with_extension("previous")).unwrap();
        let trial = Self {
            home,
            server: added.server,
            listen,
            token,
        };
        trial.note(&program, &program.with_extension("previous"));
        trial
    }

    fn note(&self, program: &Path, previous: &Path) {
        let note = json!({
            "state": "trying",
            "version": env!("CARGO_PKG_VERSION"),
            "sha256": checksum(program),
            "previous_sha256": checksum(previous),
        });
        fs::write(self.home.path("web/upgrade.json"), note.to_string()).unwrap();
    }

    fn noted(&self) -> String {
        fs::read_to_string(self.home.path("web/upgrade.json")).unwrap_or_default()
    }

    fn guard(&self) -> Process {
        let mut command = self.home.any_command(
            program(self.home)
                .with_extension("previous")
                .to_str()
                .unwrap(),
            &["runner", "guard-upgrade", "--within", "10", "--pid", "0"],
        );
        let data = self.home.path("web");
        command.arg("--data-dir").arg(data);
        command.arg("--program").arg(program(self.home));
        command.env("REOCLO_RESTART_PATIENCE", "0.1");
        self.home.spawn(command)
    }

    fn runner(&self) -> Process {
        let script = format!(
            "exec '{}' runner --data-dir web --installed --supervisor-idle 5",
            program(self.home).display()
        );
        self.home.spawn(self.home.shell(&script))
    }
}

fn checksum(file: &Path) -> String {
    let sum = Command::new("sha256sum").arg(file).output().unwrap();
    let text = String::from_utf8(sum.stdout).unwrap();
    text.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn an_outage_condemns_no_program() {
    let home = Home::new();
    let trial = Trial::new(&home);
    let guard = trial.guard();
    wait_until("the guard knows whose fault it is", || {
        guard.stderr().contains("the network is at fault")
    });
    let serve = serve(&home, &trial.listen, Some(&program(&home)));
    let _runner = trial.runner();
    serve
        .key(&trial.token)
        .wait_for_status(&trial.server, "active");
    assert_eq!(guard.finished().code, Some(0));
    assert!(is_same(&program(&home), Path::new(OWN)));
    assert!(trial.noted().contains("\"done\""), "{}", trial.noted());
}

#[test]
fn a_change_that_a_crash_cut_off_is_begun_anew_and_nothing_older_comes_back() {
    let home = Home::new();
    let trial = Trial::new(&home);
    // It was noted, and the new program was not put in its place: that of before is there.
    let (program, older) = (program(&home), home.path("older"));
    fs::copy(program.with_extension("previous"), &older).unwrap();
    trial.note(&older, &program);
    let serve = serve(&home, &trial.listen, Some(&program));
    let runner = trial.runner();
    serve
        .key(&trial.token)
        .wait_for_status(&trial.server, "active");
    wait_until("it is as if there had been no change", || {
        trial.noted().is_empty()
    });
    assert!(is_same(&program, Path::new(OWN)));
    assert!(!runner.stderr().contains("previous one comes back"));
}

/// Whatever it does not understand.
#[test]
fn a_new_program_on_trial_never_ends_for_good() {
    let home = Home::new();
    let trial = Trial::new(&home);
    let ends_with = |word: &str| {
        let script = format!("exec '{OWN}' runner --data-dir web --installed {word}");
        home.spawn(home.shell(&script)).finished().code
    };
    let words = [
        "--nonsense",
        "--exec-user nobody-of-that-name",
        "--url http://192.0.2.1",
    ];
    for word in words {
        assert_eq!(ends_with(word), Some(1), "{word}");
    }
    fs::remove_file(home.path("web/upgrade.json")).unwrap();
    for word in words {
        assert_eq!(ends_with(word), Some(2), "{word}");
    }
    drop(trial);
}

#[test]
fn a_runner_that_was_told_to_stay_or_was_not_installed_stays() {
    let home = Home::new();
    let older = older_build(&home);
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let script = format!(
        "exec '{}' runner --data-dir web --installed --no-self-upgrade --url {} --token {}",
        older.display(),
        serve.url(),
        added.token
    );
    let runner = home.spawn(home.shell(&script));
    serve.integration().wait_for_status(&added.server, "active");
    serve
        .automation()
        .on(&added.server)
        .run("true")
        .is("completed", 0);
    let log = runner.stderr();
    assert!(!log.contains("another program"), "{log}");
}

#[test]
fn a_survivor_does_not_notice_upgrades() {
    let home = Home::with_timing(&[("inline_wait", 30.0)]);
    let mut machine = Machine::new(&home);
    let (go, done) = (home.path("go"), home.path("done"));
    let command = format!(
        "nohup sh -c 'while [ ! -e \"{}\" ]; do sleep 0.05; done; head -c 1000000 /dev/zero; \
         echo $? > \"{}\"; exec sleep 600' & echo $!",
        go.display(),
        done.display()
    );
    let left = machine.key().run(&command);
    left.is("completed", 0);
    let pid = left.stdout.trim().to_owned();
    let begun = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat.rsplit(") ").next().unwrap_or_default().to_owned();
        fields.split(' ').nth(19).map(str::to_owned)
    };
    let before = begun();
    assert!(before.is_some());
    let newest = another_build(&home);
    for program in [None, Some(newest.as_path())] {
        let supervisor = machine.status()["supervisor"]["pid"].clone();
        machine.restart_with(program);
        wait_until("the supervisor was replaced", || {
            let now = &machine.status()["supervisor"]["pid"];
            now.is_number() && *now != supervisor
        });
        machine.wait_for("active");
        let upgrade = || fs::read_to_string(home.path("web/upgrade.json")).unwrap_or_default();
        wait_until("the new program is kept", || upgrade().contains("\"done\""));
    }
    fs::write(&go, "").unwrap();
    wait_until("it writes to the end", || {
        fs::read_to_string(&done).is_ok_and(|text| text == "0\n")
    });
    assert_eq!(begun(), before);
}
