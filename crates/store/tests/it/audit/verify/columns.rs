//! Every byte of every column of every row counts.

use reoclo_store::{AuditReader, FaultKind};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::{ROWS, fault, log};
use crate::fixture::{Fixture, Team};

contract![
    a_changed_byte_of_a_text_is_found,
    a_changed_byte_of_a_hash_is_found,
    a_changed_number_is_found,
    nothing_instead_of_a_value_is_found,
];

const TEXTS: [&str; 15] = [
    "id",
    "actor_kind",
    "actor_id",
    "actor_label",
    "ip",
    "user_agent",
    "request_id",
    "action",
    "resource_kind",
    "resource_id",
    "resource_name",
    "outcome",
    "detail",
    "source",
    "chain",
];
const HASHES: [&str; 2] = ["prev_hash", "hash"];
const NUMBERS: [&str; 2] = ["seq", "at"];
const NULLABLE: [&str; 7] = [
    "actor_id",
    "ip",
    "user_agent",
    "request_id",
    "resource_id",
    "resource_name",
    "source",
];

/// The log, a hand on the database and an eye on the log.
struct Bench {
    team: Team,
    connection: AnyConnection,
    reader: AuditReader,
    fixture: Fixture,
}

impl Bench {
    async fn new(fixture: Fixture) -> Self {
        Self {
            team: log(&fixture).await,
            connection: fixture.database.connect().await,
            reader: fixture.audit_reader().await,
            fixture,
        }
    }

    /// Every byte on SQLite; on PostgreSQL, where each takes longer, every seventh.
    fn step(&self) -> usize {
        if self.fixture.database.file().is_some() {
            1
        } else {
            7
        }
    }

    async fn text(&mut self, seq: i64, column: &str) -> Option<String> {
        self.row(seq, column).await.get(0)
    }

    async fn bytes(&mut self, seq: i64, column: &str) -> Vec<u8> {
        self.row(seq, column).await.get(0)
    }

    async fn row(&mut self, seq: i64, column: &str) -> sqlx::any::AnyRow {
        let select = format!("SELECT {column} FROM audit_events WHERE chain = $1 AND seq = $2");
        let select = sqlx::query(AssertSqlSafe(select));
        let select = select.bind(self.team.organization.to_string()).bind(seq);
        select.fetch_one(&mut self.connection).await.unwrap()
    }

    /// Sets a column of the row with that id, which is how it is found again.
    async fn set<T>(&mut self, id: &str, column: &str, value: T)
    where
        T: for<'q> sqlx::Encode<'q, sqlx::Any> + sqlx::Type<sqlx::Any>,
    {
        let update = format!("UPDATE audit_events SET {column} = $1 WHERE id = $2");
        let update = sqlx::query(AssertSqlSafe(update))
            .bind(value)
            .bind(id.to_owned());
        let changed = update.execute(&mut self.connection).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
    }

    async fn fault(&mut self) -> (i64, FaultKind) {
        fault(&self.reader.verify(&[]).await.unwrap(), self.team)
    }
}

async fn a_changed_byte_of_a_text_is_found(fixture: Fixture) {
    let mut bench = Bench::new(fixture).await;
    for (seq, column) in (1..=ROWS).flat_map(|seq| TEXTS.map(|column| (seq, column))) {
        let id = bench.text(seq, "id").await.unwrap();
        let Some(text) = bench.text(seq, column).await else {
            continue;
        };
        for at in (0..text.len()).step_by(bench.step()) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            // The lowest bit of a byte of UTF-8 never makes it invalid.
            let changed = String::from_utf8(bytes).unwrap();
            let found_by = if column == "id" {
                changed.clone()
            } else {
                id.clone()
            };
            bench.set(&id, column, changed).await;
            let kind = if column == "chain" {
                FaultKind::Missing
            } else {
                FaultKind::Changed
            };
            assert_eq!(bench.fault().await, (seq, kind), "{column} byte {at}");
            bench.set(&found_by, column, text.clone()).await;
        }
    }
    assert!(bench.reader.verify(&[]).await.unwrap().is_intact());
}

async fn a_changed_byte_of_a_hash_is_found(fixture: Fixture) {
    let mut bench = Bench::new(fixture).await;
    for (seq, column) in (1..=ROWS).flat_map(|seq| HASHES.map(|column| (seq, column))) {
        let id = bench.text(seq, "id").await.unwrap();
        let hash = bench.bytes(seq, column).await;
        for at in (0..hash.len()).step_by(bench.step()) {
            let mut changed = hash.clone();
            changed[at] ^= 0x80;
            bench.set(&id, column, changed).await;
            assert_eq!(
                bench.fault().await,
                (seq, FaultKind::Changed),
                "{column} byte {at}"
            );
        }
        bench.set(&id, column, hash[..31].to_vec()).await;
        assert_eq!(bench.fault().await, (seq, FaultKind::Unreadable));
        bench.set(&id, column, hash).await;
    }
    assert!(bench.reader.verify(&[]).await.unwrap().is_intact());
}

async fn a_changed_number_is_found(fixture: Fixture) {
    let mut bench = Bench::new(fixture).await;
    for (seq, column) in (1..=ROWS).flat_map(|seq| NUMBERS.map(|column| (seq, column))) {
        let id = bench.text(seq, "id").await.unwrap();
        let number: i64 = bench.row(seq, column).await.get(0);
        for bit in [3, 8, 16, 40, 62, 63] {
            bench.set(&id, column, number ^ (1 << bit)).await;
            let kind = if column == "seq" {
                FaultKind::Missing
            } else {
                FaultKind::Changed
            };
            assert_eq!(bench.fault().await, (seq, kind), "{column} bit {bit}");
        }
        bench.set(&id, column, number).await;
    }
    assert!(bench.reader.verify(&[]).await.unwrap().is_intact());
}

async fn nothing_instead_of_a_value_is_found(fixture: Fixture) {
    let mut bench = Bench::new(fixture).await;
    for column in NULLABLE {
        let id = bench.text(3, "id").await.unwrap();
        let value = bench.text(3, column).await;
        let others = [None, Some(String::new()), Some("x".to_owned())];
        for other in others.into_iter().filter(|other| *other != value) {
            bench.set(&id, column, other).await;
            assert_eq!(bench.fault().await, (3, FaultKind::Changed), "{column}");
        }
        bench.set(&id, column, value).await;
    }
    assert!(bench.reader.verify(&[]).await.unwrap().is_intact());
}

/// SQLite lets a column hold a value of any type, and a text any bytes.
#[tokio::test]
async fn sqlite_values_of_another_type_are_found() {
    let mut bench = Bench::new(Fixture::sqlite().await).await;
    let id = bench.text(3, "id").await.unwrap();
    for column in TEXTS.into_iter().chain(HASHES).chain(NUMBERS) {
        let keep = "CREATE TABLE kept AS SELECT * FROM audit_events";
        sqlx::query(keep)
            .execute(&mut bench.connection)
            .await
            .unwrap();
        for value in ["CAST(X'FFFE' AS TEXT)", "X'FFFE'", "3.5", "'text'"] {
            let change = format!(
                "UPDATE audit_events SET {column} = {value}
                 WHERE chain || seq = (SELECT chain || seq FROM kept WHERE id = $1)"
            );
            let change = sqlx::query(AssertSqlSafe(change)).bind(id.clone());
            change.execute(&mut bench.connection).await.unwrap();
            let (seq, _) = bench.fault().await;
            assert_eq!(seq, 3, "{column} = {value}");
            for restore in [
                "DELETE FROM audit_events",
                "INSERT INTO audit_events SELECT * FROM kept",
            ] {
                sqlx::query(restore)
                    .execute(&mut bench.connection)
                    .await
                    .unwrap();
            }
        }
        sqlx::query("DROP TABLE kept")
            .execute(&mut bench.connection)
            .await
            .unwrap();
    }
    assert!(bench.reader.verify(&[]).await.unwrap().is_intact());
}
