//! Opening: what is refused, and with which words.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use reoclo_domain::{Clock, Secret};
use reoclo_store::{
    AuditReader, DatabaseAddress, Engine, MasterKey, OpenError, Store, StoreError, StoreOptions,
};
use reoclo_testkit::{Database, RealClock, database};
use tempfile::TempDir;

use crate::fixture::Fixture;

contract![
    an_instance_keeps_its_id,
    another_master_key_is_refused,
    it_is_noted_which_version_brought_the_tables_where_they_are,
    a_newer_database_is_refused,
    a_store_that_was_closed_is_unavailable,
    a_ping_reaches_the_writer,
];

fn with_another_key(database: &Database) -> StoreOptions {
    let key = Secret::new("00".repeat(32));
    StoreOptions {
        master_key: MasterKey::load(Path::new(""), Some(&key)).unwrap(),
        clock: Arc::new(RealClock::default()),
        ..database.options()
    }
}

async fn refused(options: StoreOptions) -> OpenError {
    Store::open(options).await.err().unwrap()
}

async fn an_instance_keeps_its_id(fixture: Fixture) {
    assert_eq!(
        fixture.reopened().await.instance(),
        fixture.store.instance()
    );
    let file = fixture.database.file().is_some();
    let engine = if file {
        Engine::Sqlite
    } else {
        Engine::Postgres
    };
    assert_eq!(fixture.store.engine(), engine);
}

async fn another_master_key_is_refused(fixture: Fixture) {
    let options = with_another_key(&fixture.database);
    let key = with_another_key(&fixture.database).master_key;
    assert!(matches!(refused(options).await, OpenError::WrongMasterKey));
    let reader = AuditReader::open(fixture.database.address(), key).await;
    assert!(matches!(reader.err().unwrap(), OpenError::WrongMasterKey));
}

async fn it_is_noted_which_version_brought_the_tables_where_they_are(fixture: Fixture) {
    let ours = format!(
        "UPDATE programs SET version = version WHERE version = '{}'",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(fixture.database.execute(&ours).await, 1);
    fixture.reopened().await;
    assert_eq!(fixture.database.execute(&ours).await, 1);
}

async fn a_newer_database_is_refused(fixture: Fixture) {
    let newer = "UPDATE _sqlx_migrations SET version = 9000 WHERE version = 1";
    sqlx::query(newer)
        .execute(&mut fixture.database.connect().await)
        .await
        .unwrap();
    let noted = "INSERT INTO programs (migration, version) VALUES (9000, '98.7.6')";
    for (note, version) in [(None, "a newer version"), (Some(noted), "Reoclo 98.7.6")] {
        if let Some(note) = note {
            assert_eq!(fixture.database.execute(note).await, 1);
        }
        let error = refused(fixture.database.options()).await;
        let key = database::master_key();
        let reader = AuditReader::open(fixture.database.address(), key).await;
        for error in [error, reader.err().unwrap()] {
            let is_newer = matches!(
                error,
                OpenError::Newer {
                    migration: 9000,
                    ..
                }
            );
            assert!(is_newer && error.to_string().contains(version), "{error}");
        }
    }
}

async fn a_store_that_was_closed_is_unavailable(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    fixture.store.close().await;
    fixture.store.close().await;
    let event = fixture.event(team, "late");
    let late = fixture.store.append_audit(vec![event]).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))));
    let late = fixture.store.organizations().await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))));
    assert!(fixture.store.ping().await.is_err());
    assert!(
        fixture
            .reopened()
            .await
            .organization(team.organization)
            .await
            .unwrap()
            .is_some()
    );
}

async fn a_ping_reaches_the_writer(fixture: Fixture) {
    let before = fixture.store.statistics();
    fixture.store.ping().await.unwrap();
    let after = fixture.store.statistics();
    assert_eq!(after.writes, before.writes + 1);
    assert_eq!(after.audit_rows, before.audit_rows);
}

/// Servers run these in tasks that move between threads.
#[tokio::test]
async fn what_the_store_does_may_move_between_threads() {
    async fn everything(fixture: &Fixture, reader: &mut AuditReader) {
        let (store, team) = (&fixture.store, fixture.team("zoo").await);
        let server = fixture.server(team, "web").await;
        let new = fixture.new_operation(team, server);
        store
            .begin_operation(new.clone(), &Secret::new(""), vec![])
            .await
            .unwrap();
        store
            .finish_operation(new.id, fixture.outcome(), vec![])
            .await
            .unwrap();
        store.running_operations().await.unwrap();
        store.find_key(&fixture.token_hash()).await.unwrap();
        store.integration_keys(team.organization).await.unwrap();
        store.servers(team.organization).await.unwrap();
        store.audit_events(None, 0, 1).await.unwrap();
        store.checkpoints().await.unwrap();
        reader.verify(&[]).await.unwrap();
        reader
            .export(fixture.clock.now(), &mut Vec::new())
            .await
            .unwrap();
        fixture.reopened().await.close().await;
    }
    fn in_a_task<T>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
        future
    }
    let fixture = Fixture::sqlite().await;
    let mut reader = fixture.audit_reader().await;
    in_a_task(everything(&fixture, &mut reader)).await;
}

#[tokio::test]
async fn postgres_is_migrated_by_one_of_two_that_start_together() {
    let database = database::empty_postgres().await;
    let (first, second) = tokio::join!(
        Store::open(database.options()),
        Store::open(database.options())
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.instance(), second.instance());
    assert_eq!(first.audit_events(None, 0, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn sqlite_is_migrated_by_one_of_two_that_start_together() {
    let database = database::sqlite();
    let (first, second) = tokio::join!(
        Store::open(database.options()),
        Store::open(database.options())
    );
    assert_eq!(first.unwrap().instance(), second.unwrap().instance());
}

#[tokio::test]
async fn sqlite_files_are_readable_by_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::sqlite().await;
    fixture.team("zoo").await;
    let directory = fixture.database.file().unwrap().parent().unwrap();
    for file in fs::read_dir(directory).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn sqlite_leaves_one_file_when_it_is_closed() {
    let fixture = Fixture::sqlite().await;
    fixture.team("zoo").await;
    fixture.store.close().await;
    let directory = fixture.database.file().unwrap().parent().unwrap();
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
}

#[tokio::test]
async fn sqlite_paths_may_hold_any_character() {
    let directory = TempDir::new().unwrap();
    let below = directory.path().join("a b?c#d%41é");
    fs::create_dir(&below).unwrap();
    let path = below.join("x%20.db");
    let store = Store::open(database::options(DatabaseAddress::Sqlite(path.clone()))).await;
    store.unwrap().ping().await.unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn sqlite_refusals_name_the_file() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("text.db");
    fs::write(
        &path,
        "this is no database, but a text of some length".repeat(100),
    )
    .unwrap();
    let address = DatabaseAddress::Sqlite(path.clone());
    let error = refused(database::options(address.clone())).await;
    assert!(matches!(error, OpenError::Malformed(_)), "{error:?}");
    assert!(error.to_string().contains("text.db"));
    let reader = AuditReader::open(&address, database::master_key()).await;
    assert!(matches!(reader.err().unwrap(), OpenError::Malformed(_)));
    let nowhere = DatabaseAddress::Sqlite(directory.path().join("no/such/file.db"));
    let error = refused(database::options(nowhere.clone())).await;
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error:?}");
    assert!(error.to_string().contains("no/such/file.db"));
    let reader = AuditReader::open(&nowhere, database::master_key()).await;
    assert!(matches!(reader.err().unwrap(), OpenError::Absent(_)));
}

#[tokio::test]
async fn postgres_that_does_not_answer_is_named_without_its_password() {
    let url = "postgres://user:hunter2@127.0.0.1:1/reoclo";
    let address = DatabaseAddress::parse(url).unwrap();
    let error = refused(database::options(address)).await;
    assert_eq!(
        error.to_string(),
        "cannot connect to the database at 127.0.0.1:1/reoclo"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}
