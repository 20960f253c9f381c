//! Commands that name their interpreter.

use std::path::Path;
use std::process::Child;

use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::start_request::Action;
use reoclo_wire::proto::{Exec, StartRequest};

use crate::runner::{connected, supervisor_through};
use crate::supervisor::{Client, Ended, Supervisor, exec, new_id};

fn request(client: &Client, script: Exec) -> StartRequest {
    StartRequest {
        action: Some(Action::Script(script)),
        ..client.request(&new_id(), Exec::default())
    }
}

async fn run(client: &mut Client, script: Exec) -> Ended {
    let mut events = client.send(request(client, script)).await;
    assert_eq!(events.accepted().await, Ok(false));
    events.ended().await
}

#[tokio::test]
async fn the_named_interpreter_runs_it_with_every_variable() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let mut script = exec("#!/usr/bin/perl -w\nprint $ENV{'my.name-1'}, ' ', $^W, \"\\n\"; exit 3");
    let value = "kept\r\nas it is";
    script.env.insert("my.name-1".to_owned(), value.to_owned());
    let ended = run(&mut client, script).await;
    assert_eq!(
        ended.finished.state(),
        State::Completed,
        "{:?}",
        ended.finished
    );
    assert_eq!((ended.code(), ended.text()), (3, "kept\r\nas it is 1\n"));

    // env looks for the program, and splits its one argument when it is told to.
    for (first, expected) in [
        ("#!/usr/bin/env bash", "hB"),
        ("#!/usr/bin/env -S bash -eu", "ehuB"),
        ("#! /bin/bash -x", "hxB"),
    ] {
        let ended = run(&mut client, exec(&format!("{first}\r\necho $-\r\n"))).await;
        assert_eq!(
            (ended.code(), ended.text().trim()),
            (0, expected),
            "{first}"
        );
    }
}

#[tokio::test]
async fn nothing_of_it_is_on_disk_and_nobody_else_has_it() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let script = "#!/bin/sh\nreadlink \"$0\"; tr '\\0' ' ' </proc/$$/cmdline; sleep 0\n\
                  echo changed >>\"$0\" || echo it cannot be changed";
    let ended = run(&mut client, exec(script)).await;
    let text = ended.text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("/memfd:"), "{text}");
    assert!(lines[1].starts_with("/bin/sh /proc/self/fd/"), "{text}");
    assert!(lines[1].ends_with("it cannot be changed"), "{text}");

    // One that is started while it runs does not have its text.
    let mut events = client
        .send(request(&client, exec("#!/bin/sh\necho up; sleep 30")))
        .await;
    assert_eq!(events.accepted().await, Ok(false));
    events.stdout_has("up").await;
    let other = client.sh("ls -l /proc/$$/fd").await;
    assert!(!other.text().contains("memfd"), "{}", other.text());
}

#[tokio::test]
async fn another_user_s_script_is_read_by_that_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let supervisor = Supervisor::start_with(|options| options.exec_user = Some("nobody".into()));
    let mut client = supervisor.connect().await;
    let ended = run(&mut client, exec("#!/usr/bin/env bash\nid -un; exit 4")).await;
    assert_eq!((ended.code(), ended.text()), (4, "nobody\n"));
}

#[tokio::test]
async fn an_interpreter_that_is_not_there_is_named() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let ended = run(&mut client, exec("#!/opt/no/such -x\nexit 0")).await;
    assert_eq!(ended.finished.state(), State::NotRun);
    assert_eq!(ended.code(), 125);
    let message = &ended.finished.message;
    assert!(message.contains("\"/opt/no/such\""), "{message}");
    assert!(message.contains("No such file"), "{message}");

    for text in ["#!sh\n", "#!\n", "echo"] {
        let mut events = client.send(request(&client, exec(text))).await;
        assert!(events.accepted().await.is_err(), "{text:?}");
    }
}

/// A supervisor for whose process alone the machine is another, and a client of it.
async fn elsewhere(dir: &Path, change: &str) -> (Child, Client) {
    let script = format!("{change} && exec \"$@\"");
    let through = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
    ];
    let through = [&through[..], &[&script, "sh"]];
    let mut command = supervisor_through(dir, &through.concat(), &[]);
    (command.spawn().unwrap(), connected(dir).await)
}

#[tokio::test]
async fn a_host_that_forbids_programs_in_memory_runs_scripts() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let setting = Path::new("/proc/sys/vm/memfd_noexec");
    for value in [1, 2] {
        if !setting.exists() {
            // Linux before 6.3 forbids nothing.
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let change = format!(
            "mount -t proc proc /proc && echo {value} >{}",
            setting.display()
        );
        let (mut supervisor, mut client) = elsewhere(dir.path(), &change).await;
        let script = format!("#!/bin/sh\ncat {}; exit 3", setting.display());
        let ended = run(&mut client, exec(&script)).await;
        assert_eq!(
            (ended.code(), ended.text()),
            (3, format!("{value}\n").as_str())
        );
        supervisor.kill().unwrap();
        supervisor.wait().unwrap();
    }
}

#[tokio::test]
async fn a_host_without_proc_says_why_it_runs_no_scripts() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // It needs it to begin, as does everything else here.
    let (mut supervisor, mut client) = elsewhere(dir.path(), "mount -t proc proc /proc").await;
    let without = client
        .sh("umount -l /proc && umount -l /proc; ls /proc")
        .await;
    assert_eq!((without.code(), without.text()), (0, ""));
    let ended = run(&mut client, exec("#!/bin/sh\nexit 3")).await;
    let finished = &ended.finished;
    assert_eq!((finished.state(), ended.code()), (State::NotRun, 125));
    let said = "\"/bin/sh\" that the command's first line names: it reads the command from /proc, \
                which is not mounted";
    assert!(finished.message.contains(said), "{finished:?}");
    // Other commands do not need it.
    assert_eq!(client.sh("exit 4").await.code(), 4);

    // And end when they are to.
    let id = new_id();
    let mut following = client.start(&id, exec("echo ready; sleep 600")).await;
    following.stdout_has("ready").await;
    assert!(client.cancel(&id).await);
    let ended = following.ended().await;
    assert_eq!(
        (ended.code(), ended.finished.signal),
        (130, 15),
        "{ended:?}"
    );
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
}
