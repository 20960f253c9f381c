//! What was acknowledged is there after a crash.

use std::fs;

use futures_util::future::join_all;
use reoclo_domain::Secret;
use reoclo_store::{DatabaseAddress, Store};
use reoclo_testkit::database;
use tempfile::TempDir;

use crate::fixture::Fixture;

contract![what_was_acknowledged_is_there_for_the_next];

async fn what_was_acknowledged_is_there_for_the_next(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let id = new.id;
    let payload = Secret::new("{}");
    let event = vec![fixture.event(team, "operation.start")];
    fixture
        .store
        .begin_operation(new, &payload, event)
        .await
        .unwrap();
    let next = fixture.reopened().await;
    assert!(
        next.operation(team.organization, id)
            .await
            .unwrap()
            .is_some()
    );
    let rows = next
        .audit_events(Some(team.organization), 0, 10)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
}

/// Copies the files as they are on disk at that moment, which is what a crash leaves.
#[tokio::test]
async fn sqlite_files_as_a_crash_leaves_them_hold_what_was_acknowledged() {
    let fixture = Fixture::sqlite().await;
    let team = fixture.team("zoo").await;
    let file = fixture.database.file().unwrap();
    for round in 1..=20 {
        let appends = (0..7).map(|_| {
            fixture
                .store
                .append_audit(vec![fixture.event(team, "touch")])
        });
        join_all(appends).await.into_iter().for_each(Result::unwrap);
        let left = TempDir::new().unwrap();
        let copy = left.path().join("reoclo.db");
        fs::copy(file, &copy).unwrap();
        fs::copy(file.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
        let next = Store::open(database::options(DatabaseAddress::Sqlite(copy)))
            .await
            .unwrap();
        let rows = next
            .audit_events(Some(team.organization), 0, 1000)
            .await
            .unwrap();
        assert_eq!(rows.len(), 7 * round);
        next.close().await;
    }
}
