//! A network that delivers late: what a runner said on a connection that it has given up arrives
//! when it has long made the next one.

use std::sync::Arc;

use reoclo_control::Detached;
use tokio::io::{DuplexStream, copy, duplex, split};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::hostile_runner::{PATIENCE, attach, serve_events, wait_until};
use crate::on_both_databases;
use crate::world::World;

on_both_databases!(a_connection_that_answers_late_does_not_displace_a_later_one);

/// Holds back what a runner says until it is told to let go.
fn held_back(go: Arc<Notify>) -> (DuplexStream, DuplexStream) {
    let (ours, near) = duplex(64 * 1024);
    let (far, its) = duplex(64 * 1024);
    tokio::spawn(async move {
        let (mut from_control_plane, mut to_control_plane) = split(near);
        let (mut from_runner, mut to_runner) = split(far);
        let inward = copy(&mut from_control_plane, &mut to_runner);
        let outward = async {
            go.notified().await;
            copy(&mut from_runner, &mut to_control_plane).await
        };
        let _ = tokio::join!(inward, outward);
    });
    (ours, its)
}

async fn ended(connection: JoinHandle<Detached>) -> Detached {
    timeout(PATIENCE, connection).await.unwrap().unwrap()
}

async fn a_connection_that_answers_late_does_not_displace_a_later_one(world: &World) {
    let go = Arc::new(Notify::new());
    let (ours, its) = held_back(Arc::clone(&go));
    let first = attach(world, ours);
    let _first_runner = serve_events(its, Vec::new());
    let (ours, its) = duplex(64 * 1024);
    // In the order in which they were begun.
    tokio::task::yield_now().await;
    let second = attach(world, ours);
    let second_runner = serve_events(its, Vec::new());
    wait_until(async || world.control.is_connected(world.ours.server)).await;

    go.notify_one();
    assert_eq!(ended(first).await, Detached::Displaced);
    assert!(world.control.is_connected(world.ours.server) && !second.is_finished());
    second_runner.abort();
    assert_eq!(ended(second).await, Detached::Lost);
}
