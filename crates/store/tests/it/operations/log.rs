//! Full logs.

use std::time::Duration;

use reoclo_domain::{Clock, OperationId, Secret};
use reoclo_store::{LogChunk, LogEnd, LogStream};

use crate::fixture::{Fixture, Team};

contract![
    chunks_are_found_by_any_position_in_them,
    a_chunk_that_is_sent_twice_is_there_once,
    the_end_stores_what_is_left_and_drops_the_middle,
    another_organization_reads_no_log,
    old_logs_go_first_and_whole,
];

async fn begin(fixture: &Fixture, team: Team) -> OperationId {
    let server = fixture
        .server(team, &format!("s{}", fixture.clock.now().as_micros()))
        .await;
    let new = fixture.new_operation(team, server);
    let (id, payload) = (new.id, Secret::new("{}"));
    fixture
        .store
        .begin_operation(new, &payload, vec![])
        .await
        .unwrap();
    id
}

fn chunk(stream: LogStream, position: i64, bytes: &[u8]) -> LogChunk {
    LogChunk {
        stream,
        position,
        bytes: bytes.to_vec(),
    }
}

async fn at(fixture: &Fixture, team: Team, id: OperationId, position: i64) -> Option<LogChunk> {
    let store = &fixture.store;
    let found = store.operation_log(team.organization, id, LogStream::Stdout, position);
    found.await.unwrap()
}

async fn chunks_are_found_by_any_position_in_them(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let id = begin(&fixture, team).await;
    let first = chunk(LogStream::Stdout, 0, b"abc\0");
    let second = chunk(LogStream::Stdout, 10, b"\xff");
    let other = chunk(LogStream::Stderr, 0, b"err");
    let chunks = vec![first.clone(), second.clone(), other];
    fixture
        .store
        .append_operation_log(id, chunks)
        .await
        .unwrap();
    for (position, expected) in [
        (0, Some(&first)),
        (3, Some(&first)),
        (4, Some(&second)),
        (10, Some(&second)),
        (11, None),
    ] {
        assert_eq!(
            at(&fixture, team, id, position).await.as_ref(),
            expected,
            "{position}"
        );
    }
    for (stream, end) in [(LogStream::Stdout, 11), (LogStream::Stderr, 3)] {
        let found = fixture
            .store
            .operation_log_end(team.organization, id, stream);
        assert_eq!(found.await.unwrap(), end);
    }
}

async fn a_chunk_that_is_sent_twice_is_there_once(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let id = begin(&fixture, team).await;
    let first = chunk(LogStream::Stdout, 0, b"abc");
    for _ in 0..2 {
        let chunks = vec![first.clone()];
        fixture
            .store
            .append_operation_log(id, chunks)
            .await
            .unwrap();
    }
    assert_eq!(at(&fixture, team, id, 0).await, Some(first));
    assert_eq!(at(&fixture, team, id, 3).await, None);
}

async fn the_end_stores_what_is_left_and_drops_the_middle(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let id = begin(&fixture, team).await;
    let parts = [b"00", b"11", b"22", b"33"];
    let chunks = (0_i64..)
        .zip(parts)
        .map(|(n, part)| chunk(LogStream::Stdout, 2 * n, part));
    fixture
        .store
        .append_operation_log(id, chunks.collect())
        .await
        .unwrap();
    let log = LogEnd {
        chunks: vec![chunk(LogStream::Stdout, 8, b"44")],
        dropped: vec![(LogStream::Stdout, 2, 7)],
    };
    let ended = fixture
        .store
        .finish_operation_with_log(id, fixture.outcome(), log.clone(), vec![]);
    assert!(ended.await.unwrap());
    assert_eq!(
        at(&fixture, team, id, 2).await,
        Some(chunk(LogStream::Stdout, 6, b"33"))
    );
    assert_eq!(
        at(&fixture, team, id, 8).await,
        Some(chunk(LogStream::Stdout, 8, b"44"))
    );
    // An operation that had ended keeps the log that it has.
    let late = LogEnd {
        chunks: vec![chunk(LogStream::Stdout, 10, b"late")],
        ..log
    };
    let ended = fixture
        .store
        .finish_operation_with_log(id, fixture.outcome(), late, vec![]);
    assert!(!ended.await.unwrap());
    assert_eq!(at(&fixture, team, id, 10).await, None);
}

async fn another_organization_reads_no_log(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let id = begin(&fixture, team).await;
    let chunks = vec![chunk(LogStream::Stdout, 0, b"secret")];
    fixture
        .store
        .append_operation_log(id, chunks)
        .await
        .unwrap();
    assert_eq!(at(&fixture, other, id, 0).await, None);
    let end = fixture
        .store
        .operation_log_end(other.organization, id, LogStream::Stdout);
    assert_eq!(end.await.unwrap(), 0);
}

async fn old_logs_go_first_and_whole(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        fixture.clock.advance(Duration::from_secs(10));
        let id = begin(&fixture, team).await;
        let chunks = [0, 4].map(|position| chunk(LogStream::Stdout, position, b"1234"));
        fixture
            .store
            .append_operation_log(id, chunks.to_vec())
            .await
            .unwrap();
        ids.push(id);
    }
    let left = async || {
        let mut left = Vec::new();
        for id in &ids {
            left.push(at(&fixture, team, *id, 4).await.is_some());
        }
        left
    };
    let (store, now) = (&fixture.store, fixture.clock.now());
    let prune = async |oldest, most| store.prune_operation_logs(oldest, most).await.unwrap();
    let second_from_last = now.minus(Duration::from_secs(15));
    assert!(!prune(now.minus(Duration::from_mins(1)), 24).await);
    assert!(prune(now.minus(Duration::from_mins(1)), 23).await);
    assert_eq!(left().await, [false, true, true]);
    assert!(!prune(second_from_last, 16).await);
    assert!(prune(now, 16).await);
    assert!(!prune(now, 16).await);
    assert_eq!(left().await, [false, false, true]);
    assert!(prune(now, 0).await);
    assert!(!prune(now, 0).await);
}
