//! What of the output is kept and who gets it.

use std::time::Duration;

use reoclo_wire::proto::operation_event::Event;

use crate::ambient::eventually;
use crate::supervisor::{Supervisor, exec, new_id};

const HEAD: u64 = 1 << 20;
const RING: u64 = 9 << 20;

/// Numbered lines of 20 bytes, so that every position says what stands there.
fn numbered(lines: u64) -> String {
    format!("seq -f '%019.0f' 0 {}", lines - 1)
}

fn check_numbered(ended: &crate::supervisor::Ended) {
    let mut at = 0;
    for (from, to) in &ended.ranges {
        for offset in *from..*to {
            let line = format!("{:019}\n", offset / 20);
            let expected = line.as_bytes()[usize::try_from(offset % 20).unwrap()];
            assert_eq!(ended.stdout[at], expected, "at {offset}");
            at += 1;
        }
    }
}

#[tokio::test]
async fn a_follower_resumes_where_it_was() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let id = new_id();
    let go = supervisor.file("go");
    let command = format!(
        "echo one; echo e1 >&2; while [ ! -e {} ]; do sleep 0.01; done; echo two; echo e2 >&2",
        go.display()
    );
    let mut first = client.start(&id, exec(&command)).await;
    first.stdout_has("one\n").await;
    drop(first);
    let second = client.follow(&id, 4, 0).await.unwrap();
    std::fs::write(go, "").unwrap();
    let ended = second.ended().await;
    assert_eq!(
        (ended.text(), ended.stderr.as_slice()),
        ("two\n", b"e1\ne2\n".as_slice())
    );
    assert_eq!(ended.ranges, [(4, 8)]);
    let third = client.follow(&id, 2, 6).await.unwrap().ended().await;
    assert_eq!((third.text(), third.stderr.len()), ("e\ntwo\n", 0));
    let beyond = client.follow(&id, 100, 100).await.unwrap().ended().await;
    assert_eq!((beyond.stdout.len(), beyond.code()), (0, 0));
}

#[tokio::test]
async fn any_bytes_pass() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let ended = client
        .sh("printf '\\000\\377\\376 \\303\\050'; printf '\\200' >&2")
        .await;
    assert_eq!(ended.stdout, b"\x00\xff\xfe \xc3\x28");
    assert_eq!(ended.stderr, b"\x80");
}

#[tokio::test]
async fn without_a_follower_a_command_runs_to_its_end_and_keeps_first_and_last() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let id = new_id();
    let lines = 2_000_000;
    drop(client.start(&id, exec(&numbered(lines))).await);
    eventually("the end", async || {
        (client.running().await == 0).then_some(())
    })
    .await;
    let ended = client.follow(&id, 0, 0).await.unwrap().ended().await;
    let len = lines * 20;
    assert_eq!(ended.finished.stdout_bytes, len);
    assert_eq!(ended.ranges, [(0, HEAD), (len - RING, len)]);
    check_numbered(&ended);
    let from_gap = client.follow(&id, HEAD + 1, 0).await.unwrap().ended().await;
    assert_eq!(from_gap.ranges, [(len - RING, len)]);
}

#[tokio::test]
async fn a_follower_that_stops_reading_holds_nobody_up() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let lines = 3_000_000;
    let mut stalled = client.start(&new_id(), exec(&numbered(lines))).await;
    let Some(Event::Output(_)) = stalled.next().await else {
        panic!("no output");
    };
    eventually("the end", async || {
        (client.running().await == 0).then_some(())
    })
    .await;
    let rest = stalled.ended().await;
    assert_eq!(rest.ranges.last().unwrap().1, lines * 20);
    check_numbered(&rest);
}

#[tokio::test]
async fn two_followers_get_the_same() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    let id = new_id();
    let go = supervisor.file("go");
    let command = format!(
        "while [ ! -e {} ]; do sleep 0.01; done; {}",
        go.display(),
        numbered(20_000)
    );
    let first = client.start(&id, exec(&command)).await;
    let second = client.follow(&id, 0, 0).await.unwrap();
    std::fs::write(go, "").unwrap();
    let (first, second) = tokio::join!(first.ended(), second.ended());
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(first.ranges, [(0, 400_000)]);
    check_numbered(&first);
}

#[tokio::test]
async fn a_full_spool_drops_the_oldest_output_and_no_outcome() {
    let supervisor = Supervisor::start_with(|options| {
        options.spool_limit = 6 << 20;
        options.store_after = Duration::ZERO;
    });
    let mut client = supervisor.connect().await;
    let ids = [new_id(), new_id(), new_id()];
    for id in &ids {
        // 4 MB each: there is room for one.
        let ended = client
            .start(id, exec(&numbered(200_000)))
            .await
            .ended()
            .await;
        assert_eq!(ended.ranges, [(0, 4_000_000)]);
        let stored = supervisor.file(&format!("spool/{id}.outcome"));
        eventually("the outcome's file", async || stored.exists().then_some(())).await;
    }
    let mut kept = Vec::new();
    for id in &ids {
        let ended = client.follow(id, 0, 0).await.unwrap().ended().await;
        assert_eq!((ended.code(), ended.finished.stdout_bytes), (0, 4_000_000));
        kept.push(ended.ranges);
    }
    assert_eq!(kept, [vec![], vec![], vec![(0, 4_000_000)]]);
}

#[tokio::test]
async fn a_live_follower_gets_all_of_a_long_output() {
    let supervisor = Supervisor::start();
    let mut client = supervisor.connect().await;
    // Far faster than anybody reads.
    let ended = client.sh("head -c 300000000 /dev/zero").await;
    assert_eq!(ended.ranges, [(0, 300_000_000)]);
}
