//! Group commit: many writes in one transaction, and no harm from a bad one.

use std::process::Command;

use futures_util::FutureExt;
use futures_util::future::join_all;
use reoclo_domain::{Clock, Secret};
use reoclo_store::{Conflict, Store, StoreError, StoreOptions};
use reoclo_testkit::database;
use sqlx::{AnyConnection, Connection};
use tempfile::TempDir;

use crate::fixture::Fixture;

contract![
    writes_that_wait_are_committed_together,
    one_bad_write_harms_no_other,
    a_caller_who_leaves_does_not_stop_the_write,
    two_nodes_append_to_the_same_chains,
];

async fn writes_that_wait_are_committed_together(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let before = fixture.store.statistics();
    let appends = (0..100).map(|_| {
        fixture
            .store
            .append_audit(vec![fixture.event(team, "touch")])
    });
    join_all(appends).await.into_iter().for_each(Result::unwrap);
    let after = fixture.store.statistics();
    assert_eq!(after.writes - before.writes, 100);
    assert_eq!(after.audit_rows - before.audit_rows, 100);
    assert!(after.commits - before.commits <= 2, "{after:?}");
    let rows = fixture
        .store
        .audit_events(Some(team.organization), 0, 1000)
        .await
        .unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
}

async fn one_bad_write_harms_no_other(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let server = fixture.server(team, "web").await;
    let taken = fixture.new_operation(team, server);
    let payload = Secret::new("{}");
    fixture
        .store
        .begin_operation(taken.clone(), &payload, vec![])
        .await
        .unwrap();
    let begins = (0..30).map(|number| {
        let (mut new, mut event) = (
            fixture.new_operation(team, server),
            fixture.event(
                if number % 2 == 0 { team } else { other },
                "operation.start",
            ),
        );
        match number {
            10 => new = taken.clone(),
            20 => event.actor.label = "a\0b".into(),
            _ => {}
        }
        fixture.store.begin_operation(new, &payload, vec![event])
    });
    let results = join_all(begins).await;
    for (number, result) in results.iter().enumerate() {
        match number {
            10 => assert!(matches!(
                result,
                Err(StoreError::Conflict(Conflict::Exists))
            )),
            20 => assert!(matches!(result, Err(StoreError::NulInText))),
            _ => assert!(result.is_ok(), "{number}: {result:?}"),
        }
    }
    assert!(fixture.store.statistics().retried_groups > 0);
    assert_eq!(fixture.store.running_operations().await.unwrap().len(), 29);
    assert_eq!(fixture.actions(team).await.len(), 13);
    assert_eq!(fixture.actions(other).await.len(), 15);
    assert!(
        fixture
            .audit_reader()
            .await
            .verify(&[])
            .await
            .unwrap()
            .is_intact()
    );
}

async fn a_caller_who_leaves_does_not_stop_the_write(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let append = fixture
        .store
        .append_audit(vec![fixture.event(team, "touch")]);
    assert!(append.now_or_never().is_none());
    fixture.store.ping().await.unwrap();
    assert_eq!(fixture.actions(team).await, ["touch"]);
}

/// On SQLite this does not happen in earnest, but it must not break anything either.
async fn two_nodes_append_to_the_same_chains(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let second = fixture.reopened().await;
    for _ in 0..10 {
        let events = || vec![fixture.event(team, "touch"), fixture.event(other, "touch")];
        let (here, there) = tokio::join!(
            join_all((0..10).map(|_| fixture.store.append_audit(events()))),
            join_all((0..10).map(|_| second.append_audit(events()))),
        );
        here.into_iter().chain(there).for_each(Result::unwrap);
    }
    assert_eq!(fixture.actions(team).await.len(), 200);
    assert_eq!(fixture.actions(other).await.len(), 200);
    assert!(
        fixture
            .audit_reader()
            .await
            .verify(&[])
            .await
            .unwrap()
            .is_intact()
    );
}

async fn end_every_connection(fixture: &Fixture) {
    let mut connection = fixture.database.connect().await;
    let end = "SELECT CAST(COUNT(pg_terminate_backend(pid)) AS BIGINT) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sqlx::query(end).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn postgres_may_be_restarted_between_writes() {
    let fixture = Fixture::postgres().await;
    let team = fixture.team("zoo").await;
    for _ in 0..3 {
        end_every_connection(&fixture).await;
        fixture
            .store
            .append_audit(vec![fixture.event(team, "touch")])
            .await
            .unwrap();
    }
    while fixture.store.organizations().await.is_err() {}
    assert_eq!(fixture.actions(team).await, ["touch"; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_may_be_restarted_amid_writes() {
    let fixture = Fixture::postgres().await;
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let payload = Secret::new("{}");
    let writing = join_all((0..8).map(|_| async {
        let (mut made, mut doubtful) = (0, 0);
        // While the connections end, hundreds may be refused in a row.
        while made < 25 {
            let event = vec![fixture.event(team, "operation.start")];
            let new = fixture.new_operation(team, server);
            match fixture.store.begin_operation(new, &payload, event).await {
                Ok(()) => made += 1,
                Err(StoreError::Uncertain(_)) => doubtful += 1,
                // In particular no `Exists`: nothing is made twice.
                Err(error) => assert!(matches!(error, StoreError::Unavailable(_)), "{error}"),
            }
        }
        (made, doubtful)
    }));
    let ending = async {
        for _ in 0..10 {
            end_every_connection(&fixture).await;
            tokio::task::yield_now().await;
        }
    };
    let (counts, ()) = tokio::join!(writing, ending);
    let made: usize = counts.iter().map(|(made, _)| made).sum();
    let doubtful: usize = counts.iter().map(|(_, doubtful)| doubtful).sum();
    let fresh = fixture.reopened().await;
    let found = fresh.running_operations().await.unwrap().len();
    assert!(
        (made..=made + doubtful).contains(&found),
        "{made} + {doubtful}: {found}"
    );
    assert!(
        fixture
            .audit_reader()
            .await
            .verify(&[])
            .await
            .unwrap()
            .is_intact()
    );
}

/// Runs with another program's lock on the database for a while.
#[tokio::test]
async fn sqlite_waits_for_another_program() {
    let fixture = Fixture::sqlite().await;
    let team = fixture.team("zoo").await;
    let mut other: AnyConnection = fixture.database.connect().await;
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let append = fixture
        .store
        .append_audit(vec![fixture.event(team, "touch")]);
    let (appended, released) = tokio::join!(append, async {
        // Reads go on meanwhile.
        fixture.store.organizations().await.unwrap();
        held.rollback().await
    });
    released.unwrap();
    appended.unwrap();
    assert_eq!(fixture.actions(team).await, ["touch"]);
}

/// A file system of one mebibyte, unmounted at the end.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let directory = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(directory.path());
        let mounted = mount.status().unwrap().success();
        assert!(
            mounted,
            "a small disk can be mounted by root only: run the tests as root"
        );
        Self(directory)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
    }
}

#[tokio::test]
async fn sqlite_on_a_full_disk_is_unavailable_and_works_again_afterwards() {
    let disk = SmallDisk::mount();
    let fixture = Fixture::sqlite().await;
    let address = reoclo_store::DatabaseAddress::Sqlite(disk.0.path().join("reoclo.db"));
    let store = Store::open(StoreOptions {
        clock: fixture.clock.clone(),
        ..database::options(address)
    });
    let store = store.await.unwrap();
    let organization = fixture.new_organization("zoo");
    let id = organization.id;
    store
        .create_organization(organization, vec![])
        .await
        .unwrap();
    let filler = disk.0.path().join("filler");
    std::fs::write(&filler, vec![0; 300_000]).unwrap();

    let team = crate::fixture::Team {
        organization: id,
        admin: fixture.new_user("").id,
    };
    let mut acknowledged = 0;
    let error = loop {
        let mut event = fixture.event(team, "touch");
        event.detail = serde_json::json!("x".repeat(10_000));
        match store.append_audit(vec![event]).await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let appends = (0..5).map(|_| store.append_audit(vec![fixture.event(team, "touch")]));
    for result in join_all(appends).await {
        acknowledged += i64::from(result.is_ok());
    }
    std::fs::remove_file(&filler).unwrap();
    store
        .append_audit(vec![fixture.event(team, "touch")])
        .await
        .unwrap();
    let rows = store.audit_events(Some(id), 0, 1000).await.unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), acknowledged + 1);
    assert!(fixture.clock.now() >= rows[0].at);
}
