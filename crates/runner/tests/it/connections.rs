//! One connection at a time, and commands that do not care.

use reoclo_runner::{SupervisorError, supervise};
use reoclo_wire::link::is_link_lost;

use crate::ambient::ambient;
use crate::supervisor::{Supervisor, exec, new_id, options};

#[tokio::test]
async fn a_new_connection_ends_the_one_before() {
    let supervisor = Supervisor::start();
    let mut first = supervisor.connect().await;
    let id = new_id();
    let go = supervisor.file("go");
    let command = format!(
        "echo a; while [ ! -e {} ]; do sleep 0.01; done; echo b",
        go.display()
    );
    let mut following = first.start(&id, exec(&command)).await;
    following.stdout_has("a\n").await;
    let mut second = supervisor.connect().await;
    let lost = following.0.message().await.unwrap_err();
    assert!(is_link_lost(&lost), "{lost:?}");
    let lost = first.follow(&id, 0, 0).await.err().unwrap();
    assert!(is_link_lost(&lost), "{lost:?}");
    let _ = first.link.await.unwrap();
    assert_eq!(second.host.instance_id, first.host.instance_id);
    assert_eq!(second.host.running, 1);
    std::fs::write(go, "").unwrap();
    let ended = second.follow(&id, 2, 0).await.unwrap().ended().await;
    assert_eq!((ended.text(), ended.code()), ("b\n", 0));
}

#[tokio::test]
async fn a_host_describes_itself() {
    let supervisor = Supervisor::start();
    let client = supervisor.connect().await;
    assert_eq!(client.host.version, env!("CARGO_PKG_VERSION"));
    assert!(!client.host.boot_id.is_empty() && !client.host.instance_id.is_empty());
    assert!(client.host.facts.unwrap().ram_mb > 0);
}

#[tokio::test]
async fn a_second_supervisor_gives_way() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let second = supervise(
        options(supervisor.path()),
        ambient(),
        std::future::pending(),
    )
    .await;
    assert!(
        matches!(second, Err(SupervisorError::Lock(_))),
        "{second:?}"
    );
    assert_eq!(client.sh("echo still here").await.text(), "still here\n");
}
