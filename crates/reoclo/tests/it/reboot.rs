//! Reboots, with a harmless command and a boot id of the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::fixture::{Answer, ControlPlane, Ended, Home, Key, Process, eventually, wait_until};

/// A host that can be rebooted without harm.
struct Host {
    home: Home,
    up: ControlPlane,
    server: String,
    runner: Option<Process>,
}

impl Host {
    /// Its reboot command notes that it ran, and then does `more`.
    fn new(more: &str) -> Self {
        let home = Home::with_timing(&[("inline_wait", 0.1)]);
        Self::in_home(home, more)
    }

    fn in_home(home: Home, more: &str) -> Self {
        let command = home.path("reboot.sh");
        let reboots = home.path("reboots");
        let text = format!("#!/bin/sh\necho \"$@\" >> {}\n{more}\n", reboots.display());
        fs::write(&command, text).unwrap();
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(home.path("boot-id"), "boot-1").unwrap();
        let up = home.serve_with(&[
            "--listen",
            &format!("127.0.0.1:{}", crate::fixture::free_port()),
        ]);
        let added = home.add_server("host one");
        let mut host = Self {
            home,
            server: added.server,
            up,
            runner: None,
        };
        let url = host.up.url().to_owned();
        host.start_runner(Some((&url, &added.token)));
        host
    }

    fn start_runner(&mut self, first: Option<(&str, &str)>) {
        let command = format!("{} -r now", self.home.path("reboot.sh").display());
        let boot_id = self.home.path("boot-id");
        let flags = [
            "--reboot-command",
            &command,
            "--boot-id-file",
            boot_id.to_str().unwrap(),
        ];
        self.runner = Some(self.home.runner_with("runner", first, &flags));
        self.up
            .integration()
            .wait_for_status(&self.server, "active");
    }

    fn key(&self) -> Key {
        self.up.automation().on(&self.server)
    }

    fn reboot(&self, more: &serde_json::Value) -> Answer {
        let mut body = json!({ "server_id": self.server });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        self.key().post_json("/api/automation/v1/reboot", &body)
    }

    /// Kills everything that the host runs, as a reboot does.
    fn go_down(&mut self) {
        for what in ["runner", "supervisor"] {
            let file = self.home.path("runner").join(format!("{what}.lock"));
            let pid = fs::read_to_string(file).unwrap();
            let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        }
        self.runner = None;
        self.up
            .integration()
            .wait_for_status(&self.server, "unreachable");
    }

    fn come_back(&mut self, boot_id: &str) {
        fs::write(self.home.path("boot-id"), boot_id).unwrap();
        self.start_runner(None);
    }

    fn wait_for_command(&self) {
        wait_until("the command runs", || !self.reboots().is_empty());
    }

    fn reboots(&self) -> String {
        fs::read_to_string(self.home.path("reboots")).unwrap_or_default()
    }
}

fn id_of(answer: &Answer) -> String {
    let answer = answer.ok();
    assert_eq!(answer["status"], "running", "{answer}");
    answer["operation_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_reboot_ends_when_the_server_is_back_with_a_new_boot() {
    let mut host = Host::new("echo going down");
    let run_context = json!({ "provider": "cli" });
    let id = id_of(&host.reboot(&json!({ "run_id": "7", "run_context": run_context })));
    host.wait_for_command();
    host.go_down();
    assert_eq!(host.key().operation(&id).ok()["status"], "running");
    // A supervisor that died without a reboot proves nothing.
    host.come_back("boot-1");
    host.key().run("true").is("completed", 0);
    assert_eq!(host.key().operation(&id).ok()["status"], "running");
    host.go_down();
    host.come_back("boot-2");
    let ended = host.key().ended(&id);
    ended.is("completed", 0);
    assert_eq!(ended.stdout, "going down\n");
    let record = host.key().operation(&id).ok();
    assert_eq!(record["operation_type"], "reboot");
    assert_eq!(record["run_id"], "7");
    assert_eq!(record["run_context"], run_context);
    assert_eq!(host.reboots(), "-r now\n", "nothing reboots again");
    host.key().run("true").is("completed", 0);
    assert_eq!(host.home.audit("verify", &[]).code, Some(0));
}

#[test]
fn a_reboot_survives_a_killed_control_plane() {
    let mut host = Host::new("");
    let id = id_of(&host.reboot(&json!({})));
    host.wait_for_command();
    let (automation, integration) = (host.key().token, host.up.integration().token);
    let listen = host.up.url().strip_prefix("http://").unwrap().to_owned();
    host.up.process.kill();
    fs::write(host.home.path("boot-id"), "boot-2").unwrap();
    for what in ["runner", "supervisor"] {
        let file = host.home.path("runner").join(format!("{what}.lock"));
        let pid = fs::read_to_string(file).unwrap();
        kill_process(
            Pid::from_raw(pid.trim().parse().unwrap()).unwrap(),
            Signal::KILL,
        )
        .unwrap();
    }
    let up = host.home.serve_with(&["--listen", &listen]);
    let boot_id = host.home.path("boot-id");
    let command = host.home.path("reboot.sh");
    let flags = [
        "--boot-id-file",
        boot_id.to_str().unwrap(),
        "--reboot-command",
        command.to_str().unwrap(),
    ];
    let _runner = host.home.runner_with("runner", None, &flags);
    up.key(&integration).wait_for_status(&host.server, "active");
    up.key(&automation).ended(&id).is("completed", 0);
    assert_eq!(host.reboots(), "-r now\n");
}

#[test]
fn a_command_that_refuses_says_so() {
    let host = Host::new("echo not allowed >&2; exit 4");
    let answer = host.reboot(&json!({})).ok();
    let ended = Ended::of_answer(&answer).expect("it fails at once");
    ended.is("failed", 4);
    assert_eq!(ended.code.as_deref(), Some("reboot_failed"));
    assert_eq!(ended.stderr, "not allowed\n");
    let path = format!("/api/servers/{}/reboot", host.server);
    let answer = host.up.integration().post(&path).ok();
    assert_eq!(answer["success"], false);
    assert!(answer["message"].as_str().unwrap().contains("exit code 4"));
}

#[test]
fn a_server_that_does_not_reboot_runs_into_the_timeout() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let file = home.path("reoclo.toml");
    let text = fs::read_to_string(&file).unwrap() + "reboot_least = 1\n";
    fs::write(file, text).unwrap();
    let host = Host::in_home(home, "");
    let id = id_of(&host.reboot(&json!({ "timeout_seconds": 3 })));
    let ended = host.key().ended(&id);
    ended.is("timeout", 124);
    host.key().run("true").is("completed", 0);
}

#[test]
fn an_integration_key_reboots_by_slug_and_is_told_the_operation() {
    let mut host = Host::new("");
    let key = host.up.integration();
    let answer = key.post("/api/servers/host-one/reboot/").ok();
    assert_eq!(answer["success"], true);
    assert!(answer["message"].is_string());
    assert_eq!(answer["job_id"], answer["operation_id"]);
    let id = answer["operation_id"].as_str().unwrap().to_owned();
    host.wait_for_command();
    host.go_down();
    host.come_back("boot-2");
    let key = host.up.integration();
    eventually("it ends", || {
        let record = key.get(&format!("/api/operations/{id}")).ok();
        (record["status"] == "completed").then_some(())
    });
    key.post("/api/servers/nobody/reboot")
        .refused(404, "not_found");
}

#[test]
fn wrong_fields_are_named_and_reboot_nothing() {
    let host = Host::new("");
    for (field, value) in [
        ("server_id", json!("host-one")),
        ("server_id", json!("$(reboot)")),
        ("timeout_seconds", json!(59)),
        ("timeout_seconds", json!(3601)),
        ("timeout_seconds", json!(-1)),
        ("timeout_seconds", json!("60")),
        ("run_id", json!("a\0b")),
        ("run_id", json!("x".repeat(257))),
        ("run_context", json!({ "sha": "x".repeat(1025) })),
    ] {
        let answer = host.reboot(&json!({ field: value }));
        answer.refused(422, "invalid_request");
        assert!(
            answer.json()["fields"][field].is_string(),
            "{}",
            answer.text()
        );
    }
    assert_eq!(host.reboots(), "");
}
