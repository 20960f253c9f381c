//! When an operation is started, and when it is not.

use std::time::Duration;

use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::refused::Reason;
use tonic::Code;

use crate::ambient::eventually;
use crate::supervisor::{Client, Supervisor, exec, new_id};

async fn refusal(client: &mut Client, request: reoclo_wire::proto::StartRequest) -> Reason {
    let mut events = client.send(request).await;
    let refused = events.accepted().await.unwrap_err();
    assert!(!refused.message.is_empty());
    assert!(events.next().await.is_none());
    refused.reason()
}

#[tokio::test]
async fn the_same_operation_runs_once_however_often_it_is_sent() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let log = supervisor.file("runs");
    let id = new_id();
    let command = exec(&format!("echo run >> {}; echo done", log.display()));
    let first = client.start(&id, command.clone()).await;
    let request = client.request(&id, command.clone());
    let mut second = client.send(request.clone()).await;
    assert_eq!(second.accepted().await, Ok(true));
    assert_eq!(first.ended().await.text(), "done\n");
    assert_eq!(second.ended().await.text(), "done\n");
    let mut third = client.send(request.clone()).await;
    assert_eq!(third.accepted().await, Ok(true));
    assert_eq!(third.ended().await.text(), "done\n");
    client.forget(&id).await;
    assert_eq!(refusal(&mut client, request).await, Reason::Forgotten);
    assert_eq!(std::fs::read_to_string(log).unwrap(), "run\n");
}

#[tokio::test]
async fn a_known_operation_is_followed_even_when_it_is_too_late_to_start_it() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let id = new_id();
    let mut request = client.request(&id, exec("echo once"));
    client
        .send(request.clone())
        .await
        .ended_after_acceptance()
        .await;
    supervisor.clock.advance(Duration::from_mins(1));
    "another".clone_into(&mut request.instance_id);
    let mut again = client.send(request).await;
    assert_eq!(again.accepted().await, Ok(true));
    assert_eq!(again.ended().await.text(), "once\n");
}

#[tokio::test]
async fn nothing_starts_late_or_for_another_instance() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let ran = supervisor.file("ran");
    let command = exec(&format!("touch {}", ran.display()));
    let request = client.request(&new_id(), command);
    let mut other = request.clone();
    "another".clone_into(&mut other.instance_id);
    assert_eq!(refusal(&mut client, other).await, Reason::OtherInstance);
    supervisor.clock.advance(Duration::from_mins(1));
    assert_eq!(refusal(&mut client, request).await, Reason::TooLate);
    assert_eq!(client.running().await, 0);
    assert!(!ran.exists());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let good = client.request(&new_id(), exec("true"));
    let mut no_id = good.clone();
    "../../etc/passwd".clone_into(&mut no_id.operation_id);
    assert_eq!(refusal(&mut client, no_id).await, Reason::Invalid);
    let mut no_action = good.clone();
    no_action.action = None;
    assert_eq!(refusal(&mut client, no_action).await, Reason::Invalid);
    let nul = client.request(&new_id(), exec("echo \0"));
    assert_eq!(refusal(&mut client, nul).await, Reason::Invalid);
}

#[tokio::test]
async fn more_than_may_run_at_once_is_refused_and_may_come_again() {
    let supervisor = Supervisor::start_with(|options| options.max_concurrent = 1);
    let mut client = supervisor.connect().await;
    let first = new_id();
    let waiting = client.start(&first, exec("exec sleep 600")).await;
    assert_eq!(client.running().await, 1);
    let request = client.request(&new_id(), exec("true"));
    assert_eq!(refusal(&mut client, request.clone()).await, Reason::Busy);
    assert!(client.cancel(&first).await);
    waiting.ended().await;
    assert_eq!(client.send(request).await.accepted().await, Ok(false));
}

#[tokio::test]
async fn without_a_place_to_note_it_nothing_starts() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let spool = supervisor.file("spool");
    std::fs::remove_dir(&spool).unwrap();
    let ran = supervisor.file("ran");
    let request = client.request(&new_id(), exec(&format!("touch {}", ran.display())));
    assert_eq!(refusal(&mut client, request.clone()).await, Reason::Storage);
    assert!(!ran.exists());
    std::fs::create_dir(&spool).unwrap();
    let mut again = client.send(request).await;
    assert_eq!(again.accepted().await, Ok(false));
    assert_eq!(again.ended().await.finished.state(), State::Completed);
    assert!(ran.exists());
}

#[tokio::test]
async fn the_spool_never_holds_a_command_or_a_secret() {
    let supervisor = Supervisor::start_with(|options| options.store_after = Duration::ZERO);
    let mut client = supervisor.connect().await;
    let mut command = exec("echo cmd-marker $TOKEN; head -c 100000 /dev/zero; exit 3");
    command.env.insert("TOKEN".into(), "env-marker".into());
    command.mask = vec!["env-marker".into()];
    let id = new_id();
    client.start(&id, command).await.ended().await;
    let outcome = supervisor.file(&format!("spool/{id}.outcome"));
    eventually("the outcome's file", async || {
        outcome.exists().then_some(())
    })
    .await;
    let mut files = 0;
    for file in std::fs::read_dir(supervisor.file("spool")).unwrap() {
        let text =
            String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()).into_owned();
        assert!(!text.contains("env-marker"), "{text}");
        files += 1;
    }
    assert_eq!(files, 3);
    client.forget(&id).await;
    assert_eq!(
        std::fs::read_dir(supervisor.file("spool")).unwrap().count(),
        0
    );
}

#[tokio::test]
async fn unknown_operations_are_not_found() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    for id in [new_id(), "no id".to_owned()] {
        let status = client.follow(&id, 0, 0).await.err().unwrap();
        assert_eq!(status.code(), Code::NotFound);
        assert!(!reoclo_wire::link::is_link_lost(&status));
        assert!(!client.cancel(&id).await);
        client.forget(&id).await;
    }
}

#[tokio::test]
async fn a_running_operation_is_not_forgotten() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let id = new_id();
    let running = client.start(&id, exec("exec sleep 600")).await;
    client.forget(&id).await;
    assert!(client.cancel(&id).await);
    assert_eq!(running.ended().await.code(), 130);
    assert!(!client.cancel(&id).await);
}
