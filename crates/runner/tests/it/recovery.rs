//! What a supervisor finds that another one left.

use std::time::Duration;

use reoclo_wire::proto::finished::State;
use reoclo_wire::proto::refused::Reason;

use crate::ambient::eventually;
use crate::supervisor::{Supervisor, exec, new_id};

#[tokio::test]
async fn what_had_ended_can_still_be_read() {
    let mut supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let (small, large) = (new_id(), new_id());
    client
        .start(&small, exec("echo hello; exit 4"))
        .await
        .ended()
        .await;
    client
        .start(&large, exec("head -c 3000000 /dev/zero; echo e >&2"))
        .await
        .ended()
        .await;
    supervisor.stop().await;
    supervisor.start_again(|_| {});
    let mut client = supervisor.connect().await;
    let ended = client.follow(&small, 0, 0).await.unwrap().ended().await;
    assert_eq!((ended.text(), ended.code()), ("hello\n", 4));
    let ended = client.follow(&large, 0, 0).await.unwrap().ended().await;
    assert_eq!(
        (ended.ranges, ended.stderr.as_slice()),
        (vec![(0, 3_000_000)], b"e\n".as_slice())
    );
    client.forget(&small).await;
    client.forget(&large).await;
    assert_eq!(
        std::fs::read_dir(supervisor.file("spool")).unwrap().count(),
        0
    );
}

#[tokio::test]
async fn what_had_started_and_not_ended_is_lost_and_not_run_again() {
    let mut supervisor = Supervisor::start();
    let client = supervisor.connect().await;
    let ran = supervisor.file("ran");
    let id = new_id();
    let command = exec(&format!("echo run >> {}", ran.display()));
    let request = client.request(&id, command);
    supervisor.stop().await;
    // As a killed supervisor leaves it.
    let spool = supervisor.file("spool");
    std::fs::write(
        spool.join(format!("{id}.started")),
        r#"{"boot_id":"b","instance_id":"i"}"#,
    )
    .unwrap();
    std::fs::write(spool.join(format!("{id}.stdout")), "half").unwrap();
    supervisor.start_again(|_| {});
    let mut client = supervisor.connect().await;
    let mut events = client.send(request.clone()).await;
    assert_eq!(events.accepted().await, Ok(true));
    let ended = events.ended().await;
    assert_eq!((ended.finished.state(), ended.code()), (State::Lost, 255));
    let message = &ended.finished.message;
    assert!(message.contains("the server was restarted"), "{message}");
    assert!(message.contains("before you run it again"), "{message}");
    // What was on disk of its output.
    assert_eq!(ended.text(), "half");
    assert!(!ran.exists());
    client.forget(&id).await;
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0);
    let refused = client.send(request).await.accepted().await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Forgotten);
}

#[tokio::test]
async fn a_supervisor_that_is_told_to_end_cancels_and_keeps_the_outcome() {
    let mut supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let id = new_id();
    let mut following = client.start(&id, exec("echo before; sleep 600")).await;
    following.stdout_has("before\n").await;
    supervisor.stop().await;
    assert!(client.link.await.is_ok());
    supervisor.start_again(|_| {});
    let mut client = supervisor.connect().await;
    let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
    assert_eq!(
        (ended.finished.state(), ended.code()),
        (State::Cancelled, 130)
    );
    assert_eq!(ended.text(), "before\n");
}

#[tokio::test]
async fn an_idle_supervisor_ends_with_everything_on_disk() {
    let mut supervisor = Supervisor::start_with(|options| {
        options.idle_exit = Duration::from_millis(20);
        options.store_after = Duration::from_mins(10);
    });
    let mut client = supervisor.connect().await;
    let id = new_id();
    client.start(&id, exec("echo kept")).await.ended().await;
    client.link.abort();
    drop(client);
    supervisor.ended().await;
    assert!(!supervisor.file("supervisor.sock").exists());
    supervisor.start_again(|_| {});
    let mut client = supervisor.connect().await;
    assert_eq!(
        client.follow(&id, 0, 0).await.unwrap().ended().await.text(),
        "kept\n"
    );
}

#[tokio::test]
async fn a_supervisor_does_not_end_while_a_command_runs() {
    let mut supervisor = Supervisor::start_with(|options| {
        options.idle_exit = Duration::from_millis(20);
    });
    let mut client = supervisor.connect().await;
    let go = supervisor.file("go");
    let done = supervisor.file("done");
    let wait = format!("while [ ! -e {} ]; do sleep 0.01; done", go.display());
    let command = format!("{wait}; sleep 0.2; touch {}", done.display());
    drop(client.start(&new_id(), exec(&command)).await);
    client.link.abort();
    drop(client);
    std::fs::write(go, "").unwrap();
    supervisor.ended().await;
    assert!(done.exists());
}

#[tokio::test]
async fn an_outcome_that_nobody_fetches_goes_to_disk() {
    let supervisor = Supervisor::start_with(|options| options.store_after = Duration::ZERO);
    let mut client = supervisor.connect().await;
    let id = new_id();
    client.start(&id, exec("echo kept")).await.ended().await;
    let file = supervisor.file(&format!("spool/{id}.outcome"));
    eventually("the outcome's file", async || file.exists().then_some(())).await;
    let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
    assert_eq!(ended.text(), "kept\n");
}
