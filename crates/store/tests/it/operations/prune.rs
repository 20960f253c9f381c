//! Operations that are too old.

use std::time::Duration;

use reoclo_domain::{Clock, OperationId, Secret};
use reoclo_store::{LogChunk, LogStream};

use crate::fixture::{Fixture, Team};

contract![
    ended_operations_that_are_too_old_go_with_their_logs,
    what_runs_or_belongs_to_others_stays,
];

async fn begin(fixture: &Fixture, team: Team, name: &str) -> OperationId {
    let server = fixture.server(team, name).await;
    let new = fixture.new_operation(team, server);
    let (id, payload) = (new.id, Secret::new("{}"));
    let intent = vec![fixture.event(team, "operation.start")];
    let begun = fixture.store.begin_operation(new, &payload, intent);
    begun.await.unwrap();
    id
}

async fn run(fixture: &Fixture, team: Team, name: &str) -> OperationId {
    let id = begin(fixture, team, name).await;
    let outcome = fixture.outcome();
    let finished = fixture.store.finish_operation(id, outcome, vec![]);
    assert!(finished.await.unwrap());
    id
}

async fn is_there(fixture: &Fixture, team: Team, id: OperationId) -> bool {
    let found = fixture.store.operation(team.organization, id);
    found.await.unwrap().is_some()
}

async fn ended_operations_that_are_too_old_go_with_their_logs(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let old = run(&fixture, team, "old").await;
    let chunk = LogChunk {
        stream: LogStream::Stdout,
        position: 0,
        bytes: b"1234".to_vec(),
    };
    store.append_operation_log(old, vec![chunk]).await.unwrap();
    fixture.clock.advance(Duration::from_secs(10));
    let before = fixture.clock.now();
    let new = run(&fixture, team, "new").await;
    let rows = store.audit_events(Some(team.organization), 0, 10);
    let rows = rows.await.unwrap().len();

    let prune = || store.prune_operations(team.organization, before);
    assert_eq!(prune().await.unwrap(), 1);
    assert_eq!(prune().await.unwrap(), 0);
    assert!(!is_there(&fixture, team, old).await);
    assert!(is_there(&fixture, team, new).await);
    let log = store.operation_log(team.organization, old, LogStream::Stdout, 0);
    assert_eq!(log.await.unwrap(), None);
    let kept = store.audit_events(Some(team.organization), 0, 10);
    assert_eq!(kept.await.unwrap().len(), rows);
}

async fn what_runs_or_belongs_to_others_stays(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("farm").await);
    let running = begin(&fixture, team, "running").await;
    let foreign = run(&fixture, other, "foreign").await;
    fixture.clock.advance(Duration::from_secs(10));
    let before = fixture.clock.now();
    let pruned = fixture.store.prune_operations(team.organization, before);
    assert_eq!(pruned.await.unwrap(), 0);
    assert!(is_there(&fixture, team, running).await);
    assert!(is_there(&fixture, other, foreign).await);
}
