//! From the control plane through the runner to the supervisor and back.

use crate::ambient::eventually;
use crate::control_plane::ControlPlane;
use crate::runner::Runner;
use crate::supervisor::{exec, new_id};

#[tokio::test]
async fn commands_run_and_output_comes_back() {
    let mut control_plane = ControlPlane::start().await;
    let _runner = Runner::started(&control_plane);
    let mut client = control_plane.runner().await;
    let ended = client.sh("echo hello; exit 5").await;
    assert_eq!((ended.text(), ended.code()), ("hello\n", 5));
    let ended = client.sh("head -c 5000000 /dev/zero").await;
    assert_eq!(ended.ranges, [(0, 5_000_000)]);
}

#[tokio::test]
async fn a_killed_runner_does_not_touch_the_commands() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    let mut client = control_plane.runner().await;
    let (id, go) = (new_id(), runner.file("go"));
    let wait = format!("while [ ! -e {} ]; do sleep 0.01; done", go.display());
    let mut following = client
        .start(&id, exec(&format!("echo a; {wait}; echo b")))
        .await;
    following.stdout_has("a\n").await;
    runner.kill().await;
    assert!(following.0.message().await.is_err());
    runner.options.token = None;
    runner.options.url = None;
    runner.start();
    let mut again = control_plane.runner().await;
    assert_eq!(again.host.instance_id, client.host.instance_id);
    std::fs::write(go, "").unwrap();
    let ended = again.follow(&id, 2, 0).await.unwrap().ended().await;
    assert_eq!((ended.text(), ended.code()), ("b\n", 0));
    assert_eq!(control_plane.enrolments().len(), 1);
}

#[tokio::test]
async fn a_killed_supervisor_is_replaced_by_one_that_knows_its_commands() {
    let mut control_plane = ControlPlane::start().await;
    let runner = Runner::started(&control_plane);
    let mut client = control_plane.runner().await;
    let id = new_id();
    let mut following = client.start(&id, exec("echo a; exec sleep 600")).await;
    following.stdout_has("a\n").await;
    let pid = std::fs::read_to_string(runner.file("supervisor.lock")).unwrap();
    let kill = std::process::Command::new("kill")
        .args(["-9", pid.trim()])
        .status();
    assert!(kill.unwrap().success());
    let mut again = control_plane.runner().await;
    assert_ne!(again.host.instance_id, client.host.instance_id);
    // It is seen to, and known by its id.
    let request = again.request(&id, exec("exit"));
    let mut following = again.send(request).await;
    assert_eq!(following.accepted().await, Ok(true));
    assert!(again.cancel(&id).await);
    assert_eq!(following.ended().await.code(), 130);
}

#[tokio::test]
async fn a_supervisor_without_a_runner_ends_and_another_takes_over() {
    let mut control_plane = ControlPlane::start().await;
    let mut runner = Runner::started(&control_plane);
    let mut client = control_plane.runner().await;
    let id = new_id();
    client.start(&id, exec("echo kept")).await.ended().await;
    runner.kill().await;
    let socket = runner.file("supervisor.sock");
    eventually("the end of the supervisor", async || {
        (!socket.exists()).then_some(())
    })
    .await;
    runner.start();
    let mut again = control_plane.runner().await;
    assert_ne!(again.host.instance_id, client.host.instance_id);
    let ended = again.follow(&id, 0, 0).await.unwrap().ended().await;
    assert_eq!(ended.text(), "kept\n");
}
