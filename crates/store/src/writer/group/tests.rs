//! What cannot be arranged from outside: a database that is full by decree, and commits whose end
//! is unknown.

use std::sync::Arc;

use reoclo_domain::{AuditEventId, Clock, Secret};
use reoclo_testkit::{ManualClock, SeededEntropy};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::audit::{Actor, AuditOutcome, NewAuditEvent, RequestSource, Resource, head};
use crate::database::DatabaseAddress;
use crate::place::Sharing;
use crate::sql::sql;
use crate::store::{Store, StoreOptions};
use crate::writer::{Counters, Write};

struct Bench {
    directory: TempDir,
    clock: Arc<ManualClock>,
    entropy: Arc<SeededEntropy>,
}

impl Bench {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            clock: Arc::new(ManualClock::default()),
            entropy: Arc::new(SeededEntropy::new(1)),
        }
    }

    fn address(&self) -> DatabaseAddress {
        DatabaseAddress::Sqlite(self.directory.path().join("reoclo.db"))
    }

    async fn open(&self) -> Store {
        let options = StoreOptions {
            database: self.address(),
            master_key: master_key(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            sharing: Sharing::Shared,
            wait_for_database: Duration::ZERO,
            expected: crate::store::Expected::default(),
        };
        Store::open(options).await.unwrap()
    }

    fn event(&self, detail: &str) -> NewAuditEvent {
        NewAuditEvent {
            id: AuditEventId::new(&*self.clock, &*self.entropy),
            organization: None,
            at: self.clock.now(),
            actor: Actor::system(),
            source: RequestSource::default(),
            action: "touch",
            resource: Resource {
                kind: "instance",
                id: None,
                name: None,
            },
            outcome: AuditOutcome::Success,
            detail: json!(detail),
        }
    }

    fn writer(&self) -> Writer {
        Writer {
            address: self.address(),
            connection: None,
            used_at: Duration::ZERO,
            place: Arc::new(Place::shared()),
            health: Health::new(self.address(), self.clock.clone()),
            master_key: Arc::new(master_key()),
            cache: None,
            heads: Heads::default(),
            counters: Arc::new(Counters::default()),
        }
    }
}

fn master_key() -> MasterKey {
    let text = Secret::new("5a".repeat(32));
    MasterKey::load(std::path::Path::new(""), Some(&text)).unwrap()
}

/// Runs a statement on the writer's connection.
struct Run(&'static str);

impl Write for Run {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        sql(self.0).optional(work.connection().await?).await?;
        Ok(())
    }
}

/// SQLite undoes such a transaction by itself, and the driver does not know; the next connection
/// has no such limit.
#[tokio::test]
async fn sqlite_that_is_full_is_undone_and_tried_again_on_a_new_connection() {
    let bench = Bench::new();
    let store = bench.open().await;
    store.write(Run("PRAGMA max_page_count = 1")).await.unwrap();
    store
        .append_audit(vec![bench.event(&"x".repeat(50_000))])
        .await
        .unwrap();
    assert_eq!(store.statistics().retried_groups, 1);
    store
        .append_audit(vec![bench.event("small")])
        .await
        .unwrap();
    let rows = store.audit_events(None, 0, 10).await.unwrap();
    let numbers: Vec<i64> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

/// A head of the instance's chain after so many appended events.
async fn head_after(bench: &Bench, events: usize) -> Head {
    let store = bench.open().await;
    for _ in 0..events {
        store.append_audit(vec![bench.event("")]).await.unwrap();
    }
    let mut reader = store.reader().await.unwrap();
    let stored = head::find(&mut reader, "instance").await.unwrap();
    drop(reader);
    store.close().await;
    stored.unwrap().head
}

fn written(last: Option<Head>) -> Written {
    Written {
        effects: vec![],
        appended: Appended { rows: 1, last },
    }
}

#[tokio::test]
async fn sqlite_commit_in_doubt_is_found_out() {
    let bench = Bench::new();
    let head = head_after(&bench, 1).await;
    // Others may have appended since.
    head_after(&bench, 1).await;
    let mut writer = bench.writer();
    let made = writer.resolve(FaultCause::Timeout.into(), written(Some(head.clone())), 1);
    made.await.unwrap();
    let other = Head {
        hash: [1; 32],
        ..head
    };
    let not_made = writer
        .resolve(FaultCause::Timeout.into(), written(Some(other)), 1)
        .await;
    assert!(matches!(not_made, Err(StoreError::Unavailable(_))));
    let unknowable = writer
        .resolve(FaultCause::Timeout.into(), written(None), 1)
        .await;
    assert!(matches!(unknowable, Err(StoreError::Unavailable(_))));
}
