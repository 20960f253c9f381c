//! Two runners with one identity: somebody copied a data directory.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{ControlPlane, Gate, Home, Key, Process, wait_until};

/// What a runner is, without its lock, socket and spool.
fn copy_identity(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in ["identity.pk8", "runner.json"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

fn connected(home: &Home) -> (ControlPlane, String, Process) {
    let serve = home.serve_with(&[]);
    let added = home.add_server("web");
    let runner = home.runner("web", Some((serve.url(), &added.token)));
    serve.integration().wait_for_status(&added.server, "active");
    (serve, added.server, runner)
}

/// What tells a copy from the machine that it was made of.
#[derive(Clone, Copy)]
enum Copied {
    /// A container with its volume: the same kernel and installation.
    Container,
    /// A virtual machine with its disk: the same installation.
    Disk,
    /// The data directory, to a machine of its own.
    Directory,
}

/// Starts a runner on a copy.
fn copy(home: &Home, copied: Copied) -> Process {
    copy_identity(&home.path("web"), &home.path("copy"));
    start_copy(home, copied)
}

fn start_copy(home: &Home, copied: Copied) -> Process {
    let (boot, machine) = (home.path("boot-id"), home.path("machine-id"));
    fs::write(&boot, "another boot").unwrap();
    fs::write(&machine, "another installation").unwrap();
    let boot = ["--boot-id-file", boot.to_str().unwrap()];
    let machine = ["--machine-id-file", machine.to_str().unwrap()];
    let flags = match copied {
        Copied::Container => vec![],
        Copied::Disk => boot.to_vec(),
        Copied::Directory => [boot, machine].concat(),
    };
    home.runner_with(
        "copy",
        None,
        &[&flags[..], &["--reconnect-most", "0.4"]].concat(),
    )
}

/// How often it stands in the audit log that a copy was refused.
fn refusals(home: &Home) -> usize {
    let exported = home.audit("export", &[]).stdout;
    exported.matches("\"runner.another_machine\"").count()
}

fn wait_for_refusal(copy: &Process) {
    wait_until("the copy says so", || {
        copy.stderr()
            .contains("another machine is connected as this server")
    });
}

/// The machines of the server, as its page's API tells them.
fn machines(serve: &ControlPlane, server: &str) -> Vec<Value> {
    machines_by(&serve.integration(), server)
}

fn machines_by(key: &Key, server: &str) -> Vec<Value> {
    let answer = key.get(&format!("/api/servers/{server}")).ok();
    answer["machines"].as_array().cloned().unwrap_or_default()
}

/// What a machine says that it is called.
fn own_fingerprint(home: &Home, data: &str) -> String {
    let data = home.path(data);
    let arguments = ["runner", "status", "--data-dir", data.to_str().unwrap()];
    let said = home.run(&arguments).stdout;
    let line = said.lines().find(|line| line.starts_with("machine"));
    let words: Vec<_> = line.unwrap().split_whitespace().collect();
    words[1].to_owned()
}

/// Its id for a decision.
fn machine(serve: &ControlPlane, server: &str, is_connected: bool) -> String {
    let machines = machines(serve, server);
    let found = machines
        .iter()
        .find(|machine| machine["is_connected"] == is_connected);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_copy_is_refused_while_the_machine_that_is_connected_is_alive() {
    for copied in [Copied::Container, Copied::Disk, Copied::Directory] {
        let home = Home::new();
        let (serve, server, mut first) = connected(&home);
        assert!(machines(&serve, &server).is_empty());
        let copy = copy(&home, copied);
        wait_for_refusal(&copy);
        wait_until("it tried again", || {
            let machines = machines(&serve, &server);
            machines
                .iter()
                .any(|machine| machine["attempts"].as_u64() >= Some(3))
        });
        assert_eq!(refusals(&home), 1, "it is told once");
        assert!(serve.process.stderr().contains("is it a copy?"));
        let person = serve.set_up();
        let answer = person.get(&format!("/servers/{server}"));
        let page = answer.text();
        assert!(
            page.contains("More than one machine claims to be this server"),
            "{page}"
        );

        // Whoever decides can tell them apart: each machine says what it is called.
        let shown = machines(&serve, &server);
        for (data, machine) in ["web", "copy"].iter().zip(&shown) {
            let said = own_fingerprint(&home, data);
            assert_eq!(machine["id"], said, "{shown:?}");
            assert!(page.contains(&format!("<code>{said}</code>")), "{page}");
            assert!(
                !machine["host_name"].as_str().unwrap().is_empty(),
                "{machine}"
            );
            assert_eq!(machine["address"], "127.0.0.1");
        }
        assert_eq!(shown.len(), 2);
        assert_eq!(page.matches("<dt>Host name</dt>").count(), 3, "{page}");
        let told = copy.stderr();
        let line = told
            .lines()
            .find(|line| line.contains("another machine is"));
        let line = line.unwrap();
        assert_eq!(line.matches('?').count(), 1, "it is asked once: {line}");
        assert!(line.contains(&own_fingerprint(&home, "copy")), "{line}");

        let ended = serve.automation().on(&server).run("pwd");
        ended.is("completed", 0);
        assert!(!first.has_ended() && !first.stderr().contains("another"));
        serve.integration().wait_for_status(&server, "active");
    }
}

#[test]
fn a_copy_takes_over_from_a_machine_that_is_gone() {
    let home = Home::new();
    let (serve, server, mut first) = connected(&home);
    first.kill();
    serve.integration().wait_for_status(&server, "unreachable");
    let _copy = copy(&home, Copied::Disk);
    serve.integration().wait_for_status(&server, "active");
    assert_eq!(refusals(&home), 0);
}

/// Whoever is quicker after a restart is not the server for that.
#[test]
fn a_restart_gives_a_server_to_none_of_its_copies() {
    for copied in [Copied::Container, Copied::Disk, Copied::Directory] {
        let home = Home::new();
        let (mut serve, server, mut first) = connected(&home);
        let copy = copy(&home, copied);
        wait_for_refusal(&copy);
        let url = serve.url().to_owned();
        let listen = url.trim_start_matches("http://");

        serve.process.stop();
        first.kill();
        let again = home.serve_with(&["--listen", listen]);
        let reader = again.key(&serve.integration().token);
        wait_until("the copy tried again", || {
            machines_by(&reader, &server)
                .iter()
                .any(|machine| machine["attempts"].as_u64() >= Some(3))
        });
        let key = again.key(&serve.automation().token);
        key.on(&server)
            .exec(&json!({ "command": "true" }))
            .refused(409, "server_unreachable");

        let _first = home.runner("web", None);
        let is_first = |machine: &Value| machine["is_connected"] == true;
        wait_until("the machine itself is back", || {
            machines_by(&reader, &server).iter().any(is_first)
        });
        key.on(&server).run("true").is("completed", 0);
        assert!(!copy.stderr().contains("connected server_id"));
    }
}

/// The machine was switched off and on: nobody closed its connection, and it comes back as
/// another boot and another supervisor.
#[test]
fn a_machine_that_rebooted_behind_a_half_open_link_is_back_within_seconds() {
    // Nothing but the question of the newcomer finds out.
    let home = Home::with_timing(&[("keepalive_every", 600.0), ("keepalive_timeout", 600.0)]);
    let (serve, server, first) = connected(&home);
    // It takes what comes and answers nothing, as a machine does that is switched off.
    let stopped = Command::new("kill")
        .args(["-STOP", &first.pid().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    let boot = home.path("boot-id");
    fs::write(&boot, "the next boot").unwrap();
    let flags = [
        "--url",
        serve.url(),
        "--boot-id-file",
        boot.to_str().unwrap(),
    ];
    copy_identity(&home.path("web"), &home.path("rebooted"));
    let rebooted = home.runner_with("rebooted", None, &flags);
    wait_until("it is connected", || {
        rebooted.stderr().contains("connected server_id")
    });
    let key = serve.automation().on(&server);
    wait_until("commands run on it", || {
        key.try_exec(&json!({ "command": "true" }))
            .is_ok_and(|answer| answer.status == 200)
    });
    assert_eq!(refusals(&home), 0);
    assert!(machines(&serve, &server).is_empty());
}

#[test]
fn an_admin_decides_for_the_machine_that_is_connected() {
    let home = Home::new();
    let (serve, server, first) = connected(&home);
    let copy = copy(&home, Copied::Disk);
    wait_for_refusal(&copy);
    let person = serve.set_up();
    let path = format!("/api/servers/{server}/machine");
    let unknown = person.post(&path, &json!({ "keep": "0000000000000000" }));
    assert_eq!(unknown.status, 409, "{}", unknown.text());
    let keep = json!({ "keep": machine(&serve, &server, true) });
    // A key has no say in it.
    let by_key = serve.integration().post_json(&path, &keep);
    assert_eq!(by_key.status, 403, "{}", by_key.text());
    assert_eq!(person.post(&path, &keep).status, 204);
    let ended = copy.finished();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("an admin decided"),
        "{}",
        ended.stderr
    );
    assert!(machines(&serve, &server).is_empty());
    serve
        .automation()
        .on(&server)
        .run("true")
        .is("completed", 0);
    assert!(!first.stderr().contains("another"), "{}", first.stderr());
}

/// The commands of the one that goes are not run again on the one that stays.
#[test]
fn an_admin_decides_for_the_copy() {
    let home = Home::with_timing(&[("inline_wait", 0.1)]);
    let (serve, server, first) = connected(&home);
    let key = serve.automation().on(&server);
    let gate = Gate::new(&home, "gate");
    let id = key.start(&gate.command());
    gate.wait_for_begin();
    let copy = copy(&home, Copied::Disk);
    wait_for_refusal(&copy);
    let person = serve.set_up();
    let keep = json!({ "keep": machine(&serve, &server, false) });
    let path = format!("/api/servers/{server}/machine");
    assert_eq!(person.post(&path, &keep).status, 204);
    let ended = first.finished();
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    wait_until("the copy is connected", || {
        copy.stderr().contains("connected server_id")
    });
    gate.open();
    // The copy knows nothing of it.
    key.ended(&id).is("failed", 255);
    gate.wait_for_end();
    assert_eq!(gate.runs(), 1);
    key.run("true").is("completed", 0);
    let exported = home.audit("export", &[]).stdout;
    assert!(exported.contains("\"server.choose_machine\""), "{exported}");
}

#[test]
fn a_second_runner_on_the_same_directory_is_refused() {
    let home = Home::new();
    let (serve, server, first) = connected(&home);
    let refused = home.runner("web", None).finished();
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let who = first.pid().to_string();
    assert!(refused.stderr.contains(&who), "{}", refused.stderr);
    serve
        .automation()
        .on(&server)
        .run("true")
        .is("completed", 0);
}
