//! The host's own reboot command.

use std::ffi::OsString;
use std::fs;

use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::start_request::Action;
use reoclo_wire::proto::{Reboot, StartRequest};

use crate::supervisor::{Client, Supervisor, exec, new_id};

/// A supervisor whose host is rebooted by `words`.
fn start(words: &[&str]) -> Supervisor {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    Supervisor::start_with(|options| options.reboot_command = words)
}

fn request(client: &Client, id: &str, timeout_seconds: u32) -> StartRequest {
    StartRequest {
        action: Some(Action::Reboot(Reboot { timeout_seconds })),
        ..client.request(id, exec("true"))
    }
}

#[tokio::test]
async fn its_words_are_arguments_and_no_shell_reads_them() {
    let supervisor = start(&["printf", "%s|", "$(id)", "a b", "`date`", "-r"]);
    let mut client = supervisor.connect().await;
    let request = request(&client, &new_id(), 60);
    let ended = client.send(request).await.ended_after_acceptance().await;
    assert_eq!(ended.text(), "$(id)|a b|`date`|-r|");
}

#[tokio::test]
async fn it_runs_once_however_often_it_is_sent() {
    let mut supervisor = Supervisor::start();
    supervisor.stop().await;
    let runs = supervisor.file("runs");
    let word = runs.clone().into_os_string();
    supervisor.start_again(|options| {
        let mut words: Vec<OsString> = ["sh", "-c", "echo x >> \"$0\""].map(OsString::from).into();
        words.push(word);
        options.reboot_command = words;
    });
    let mut client = supervisor.connect().await;
    let id = new_id();
    for _ in 0..3 {
        let request = request(&client, &id, 60);
        client.send(request).await.ended_after_acceptance().await;
    }
    assert_eq!(fs::read_to_string(&runs).unwrap(), "x\n");

    // Another instance refuses what was meant for this one, also when it knows nothing of it.
    let old = request(&client, &new_id(), 60);
    supervisor.stop().await;
    supervisor.start_again(|_| {});
    let mut client = supervisor.connect().await;
    let mut events = client.send(old).await;
    assert!(events.accepted().await.is_err());
    assert_eq!(fs::read_to_string(&runs).unwrap(), "x\n");
}

#[tokio::test]
async fn a_command_that_is_not_there_is_named() {
    let supervisor = start(&["/nowhere/reboot"]);
    let mut client = supervisor.connect().await;
    let request = request(&client, &new_id(), 60);
    let ended = client.send(request).await.ended_after_acceptance().await;
    assert_eq!(ended.finished.state(), State::NotRun);
    assert_eq!(ended.finished.exit_code, 125);
    assert!(ended.finished.message.contains("/nowhere/reboot"));
}

#[tokio::test]
async fn the_boot_is_what_the_file_says_when_the_supervisor_starts() {
    let mut supervisor = Supervisor::start();
    supervisor.stop().await;
    let file = supervisor.file("boot-id");
    for boot in ["one", "two"] {
        fs::write(&file, format!("{boot}\n")).unwrap();
        supervisor.start_again(|options| options.boot_id_file.clone_from(&file));
        let client = supervisor.connect().await;
        assert_eq!(client.host.boot_id, boot);
        drop(client);
        supervisor.stop().await;
    }
}
