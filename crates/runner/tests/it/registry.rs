//! Docker logins: what the program is started with, and how it ends. The program stands in for
//! Docker's command line and says what it was given; the real one is used in the tests of the
//! binary.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::refused::Reason;
use reoclo_wire::proto::start_request::Action;
use reoclo_wire::proto::{RegistryLogin, RegistryLogout, StartRequest};

use crate::ambient::eventually;
use crate::supervisor::{Client, Ended, Supervisor, exec, new_id};

const PASSWORD: &str = "pa$$word 'of' \"many\" kinds\n";

/// A supervisor whose docker is this script.
fn supervisor(script: &str) -> Supervisor {
    Supervisor::start_with(|options| {
        let program = options.data_dir.join("docker-for-tests");
        install(script, &program);
        options.docker = program;
        options.docker_environment = vec![("DOCKER_CONFIG".into(), "/some/where".into())];
        options.store_after = Duration::ZERO;
    })
}

/// Writes a program by another process: were it written by this one, a child that another test
/// starts at that moment would hold it open for writing, and it could not be run.
pub fn install(script: &str, program: &Path) {
    let text = program.with_extension("text");
    fs::write(&text, format!("#!/bin/sh\n{script}\n")).unwrap();
    let installed = Command::new("install")
        .args(["-m", "755"])
        .args([&text, program])
        .status();
    assert!(installed.unwrap().success());
}

fn login(registry: &str, username: &str) -> Action {
    Action::RegistryLogin(RegistryLogin {
        registry: registry.into(),
        username: username.into(),
        password: PASSWORD.into(),
        timeout_seconds: 60,
        holder: "org/run/1".into(),
    })
}

fn logout(registry: &str) -> Action {
    Action::RegistryLogout(RegistryLogout {
        registry: registry.into(),
        timeout_seconds: 60,
        holder: "org/run/1".into(),
    })
}

pub fn request(client: &Client, id: &str, action: Action) -> StartRequest {
    let request = client.request(id, exec(""));
    StartRequest {
        action: Some(action),
        ..request
    }
}

pub async fn run(client: &mut Client, action: Action) -> Ended {
    let request = request(client, &new_id(), action);
    client.send(request).await.ended_after_acceptance().await
}

#[tokio::test]
async fn docker_gets_each_value_as_one_argument_and_the_password_on_its_input() {
    let supervisor = supervisor(
        r#"for arg; do echo "<$arg>"; done; cat > "$(dirname "$0")/input"; env > "$(dirname "$0")/env"; exit 3"#,
    );
    let mut client = supervisor.connect().await;
    let ended = run(
        &mut client,
        login("registry.example.com:5000", "-x $(id) `id`"),
    )
    .await;
    assert_eq!(ended.finished.state(), State::Completed);
    assert_eq!(ended.code(), 3);
    assert_eq!(
        ended.text(),
        "<login>\n<--username=-x $(id) `id`>\n<--password-stdin>\n<-->\n<registry.example.com:5000>\n"
    );
    let read = |name: &str| fs::read_to_string(supervisor.file(name)).unwrap();
    assert_eq!(read("input"), PASSWORD);
    let env = read("env");
    assert!(env.contains("DOCKER_CONFIG=/some/where\n"), "{env}");
    assert!(env.contains("HOME="), "{env}");
    assert!(!env.contains("CARGO"), "{env}");

    let ended = run(&mut client, logout("https://index.docker.io/v1/")).await;
    assert_eq!(
        ended.text(),
        "<logout>\n<-->\n<https://index.docker.io/v1/>\n"
    );
    assert_eq!(read("input"), "");
}

#[tokio::test]
async fn a_command_of_the_users_own_gets_none_of_dockers_variables() {
    let supervisor = supervisor("true");
    let mut client = supervisor.connect().await;
    let ended = client.sh("echo \"<$DOCKER_CONFIG>\"").await;
    assert_eq!(ended.text(), "<>\n");
}

#[tokio::test]
async fn the_password_is_masked_whatever_docker_writes() {
    let supervisor = supervisor("cat; cat <&- ; echo 'pa$$word '\"'of' \\\"many\\\" kinds\" >&2");
    let mut client = supervisor.connect().await;
    let ended = run(&mut client, login("a.example", "ada")).await;
    let all = format!("{}{}", ended.text(), String::from_utf8_lossy(&ended.stderr));
    assert!(!all.contains("word"), "{all}");
    assert!(all.contains("***"), "{all}");
}

#[tokio::test]
async fn without_docker_the_operation_says_so() {
    let supervisor = Supervisor::start_with(|options| options.docker = "no-such-docker".into());
    let mut client = supervisor.connect().await;
    for action in [login("a.example", "ada"), logout("a.example")] {
        let ended = run(&mut client, action).await;
        assert_eq!(ended.finished.state(), State::NotRun);
        assert_eq!(ended.code(), 125);
        let message = &ended.finished.message;
        assert!(message.contains("not installed"), "{message}");
    }
}

#[tokio::test]
async fn a_docker_that_reads_nothing_and_ends_is_no_fault() {
    let supervisor = supervisor("exec <&-; exit 3");
    let mut client = supervisor.connect().await;
    let ended = run(&mut client, login("a.example", "ada")).await;
    assert_eq!(
        (ended.finished.state(), ended.code()),
        (State::Completed, 3)
    );
}

#[tokio::test]
async fn calls_of_docker_run_one_at_a_time() {
    // A second one at the same time would find the directory.
    let supervisor =
        supervisor("cd \"$(dirname \"$0\")\"; mkdir busy || exit 9; sleep 0.05; rmdir busy");
    let mut client = supervisor.connect().await;
    let mut following = Vec::new();
    for number in 0..8 {
        let action = if number % 2 == 0 {
            login("a.example", "ada")
        } else {
            logout("a.example")
        };
        let request = request(&client, &new_id(), action);
        following.push(client.send(request).await);
    }
    for events in following {
        // A login that leaves nothing ends with 1.
        assert_ne!(events.ended_after_acceptance().await.code(), 9);
    }
}

#[tokio::test]
async fn a_call_that_waits_for_its_turn_can_be_cancelled_and_does_not_wait_for_ever() {
    let supervisor = supervisor("touch \"$(dirname \"$0\")/begun\"; exec sleep 600");
    let mut client = supervisor.connect().await;
    let first = new_id();
    let first_request = request(&client, &first, logout("a.example"));
    let running = client.send(first_request).await;
    let begun = supervisor.file("begun");
    eventually("the first call", async || begun.exists().then_some(())).await;

    let second = new_id();
    let second_request = request(&client, &second, logout("a.example"));
    let waiting = client.send(second_request).await;
    assert!(client.cancel(&second).await);
    let ended = waiting.ended_after_acceptance().await;
    assert_eq!(
        (ended.finished.state(), ended.code()),
        (State::Cancelled, 130)
    );

    let impatient = Action::RegistryLogout(RegistryLogout {
        registry: "a.example".into(),
        timeout_seconds: 1,
        ..RegistryLogout::default()
    });
    let ended = run(&mut client, impatient).await;
    assert_eq!(
        (ended.finished.state(), ended.code()),
        (State::TimedOut, 124)
    );

    assert!(client.cancel(&first).await);
    assert_eq!(running.ended_after_acceptance().await.code(), 130);
}

#[tokio::test]
async fn what_is_no_registry_is_refused_before_anything_runs() {
    let supervisor = supervisor("touch \"$(dirname \"$0\")/ran\"");
    let mut client = supervisor.connect().await;
    for registry in ["--config=/tmp", "", "a b", "https://a.example/v2/", "$(id)"] {
        for action in [login(registry, "ada"), logout(registry)] {
            let request = request(&client, &new_id(), action);
            let refused = client.send(request).await.accepted().await.unwrap_err();
            assert_eq!(refused.reason(), Reason::Invalid, "{registry}");
        }
    }
    assert!(!supervisor.file("ran").exists());
}

#[tokio::test]
async fn the_password_is_in_no_file_and_a_known_login_is_not_run_again() {
    let supervisor = supervisor("echo run >> \"$(dirname \"$0\")/runs\"; cat > /dev/null");
    let mut client = supervisor.connect().await;
    let id = new_id();
    let request = request(&client, &id, login("a.example", "ada"));
    client
        .send(request.clone())
        .await
        .ended_after_acceptance()
        .await;
    let outcome = supervisor.file(&format!("spool/{id}.outcome"));
    eventually("the outcome's file", async || {
        outcome.exists().then_some(())
    })
    .await;
    assert_eq!(client.send(request).await.accepted().await, Ok(true));
    assert_eq!(
        fs::read_to_string(supervisor.file("runs")).unwrap(),
        "run\n"
    );
    for file in fs::read_dir(supervisor.file("spool")).unwrap() {
        let text = fs::read(file.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("kinds"));
    }
}
