//! Statements that go to the database together.
//!
//! SQLite's driver has a thread of its own, and a statement that is sent alone wakes that thread
//! and then whoever waits for it: that takes longer than most statements do. Several in one text
//! wake them once. PostgreSQL takes one statement at a time, and each is a way there and back: so
//! several changes become parts of one (ADR 26).

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt;
use sqlx::{AnyConnection, AssertSqlSafe, Either, Executor, Row};

use super::{Statement, arguments};
use crate::error::{FaultCause, StoreError};
use crate::fault::fault;

/// Fails, and with it the transaction, when the statement before it changed no row: for statements
/// whose answer nobody waits for, which only SQLite has.
const REFUSE_UNLESS_CHANGED: &str = "
    INSERT INTO audit_heads (chain, seq, hash, mac) SELECT NULL, 0, '', '' WHERE changes() = 0";

/// The most statements of one kind in a text; texts are prepared once each, so there are few.
const LONGEST_RUN: usize = 8;

/// How statements go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// Those of one kind that follow each other, one behind the other in a text.
    InRuns,
    /// All of them so: for what is sent again and again in just this order.
    Whole,
    /// As parts of one statement; those of one kind, or all.
    Merged {
        /// All: for what is sent again and again in just this order.
        all: bool,
    },
}

/// How many rows a statement changed, once it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changed(Arc<AtomicU64>);

impl Changed {
    /// The number of rows; 0 before the statement was sent.
    pub(crate) fn rows(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, rows: u64) {
        self.0.store(rows, Ordering::Release);
    }
}

/// Statements that wait to be sent, in order.
#[derive(Default)]
pub(crate) struct Batch(Vec<Waiting>);

struct Waiting {
    statement: Statement,
    changed: Changed,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Begins or ends the transaction.
    Bracket,
    Change,
    /// A change without which the transaction fails.
    Required,
}

impl Batch {
    /// What begins or ends the transaction.
    pub(crate) fn push_bracket(&mut self, statement: Statement) {
        self.push_as(statement, Kind::Bracket);
    }

    /// A change.
    pub(crate) fn push(&mut self, statement: Statement) -> Changed {
        self.push_as(statement, Kind::Change)
    }

    /// A change that has to find a row: the transaction fails when it changes none.
    pub(crate) fn push_required(&mut self, statement: Statement) -> Changed {
        self.push_as(statement, Kind::Required)
    }

    fn push_as(&mut self, statement: Statement, kind: Kind) -> Changed {
        let changed = Changed::default();
        self.0.push(Waiting {
            statement,
            changed: changed.clone(),
            kind,
        });
        changed
    }

    /// Whether it is sent as a single statement, which is a transaction by itself.
    pub(crate) fn is_single(&self, sending: Sending) -> bool {
        sending == (Sending::Merged { all: true }) && is_whole(&self.0)
    }

    /// Sends what waits; at the first error the rest is not sent.
    pub(crate) async fn send(
        &mut self,
        connection: &mut AnyConnection,
        sending: Sending,
    ) -> Result<(), StoreError> {
        let is_single = self.is_single(sending);
        let mut waiting = std::mem::take(&mut self.0);
        if is_single {
            waiting.retain(|one| one.kind != Kind::Bracket);
        }
        while !waiting.is_empty() {
            let rest = waiting.split_off(together(&waiting, sending));
            match sending {
                Sending::InRuns | Sending::Whole => send_in_a_row(waiting, connection).await?,
                Sending::Merged { .. } => send_merged(waiting, connection).await?,
            }
            waiting = rest;
        }
        Ok(())
    }
}

/// From what begins the transaction to what ends it.
fn is_whole(waiting: &[Waiting]) -> bool {
    let is_bracket = |one: &Waiting| one.kind == Kind::Bracket;
    match waiting {
        [first, between @ .., last] => {
            is_bracket(first) && is_bracket(last) && !between.iter().any(is_bracket)
        }
        _ => false,
    }
}

/// How many of the first statements go together.
fn together(waiting: &[Waiting], sending: Sending) -> usize {
    let changes = || {
        let changes = waiting.iter().take_while(|one| one.kind != Kind::Bracket);
        changes.count().max(1)
    };
    match sending {
        Sending::Whole => waiting.len(),
        Sending::Merged { all: true } => changes(),
        // Where a chain ends, and what is appended to it.
        Sending::Merged { all: false }
            if waiting
                .first()
                .is_some_and(|one| one.kind == Kind::Required) =>
        {
            changes().min(2)
        }
        Sending::Merged { all: false } if waiting[0].kind == Kind::Bracket => 1,
        Sending::InRuns | Sending::Merged { all: false } => {
            let text = waiting.first().map(|first| &first.statement.text);
            let alike = waiting.iter().take(LONGEST_RUN);
            let run = alike
                .take_while(|one| Some(&one.statement.text) == text)
                .count();
            1 << run.max(1).ilog2()
        }
    }
}

/// One behind the other in a text.
async fn send_in_a_row(
    waiting: Vec<Waiting>,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    let (mut text, mut values, mut counts) = (String::new(), Vec::new(), Vec::new());
    for one in waiting {
        if one.statement.nul_in_text {
            return Err(StoreError::NulInText);
        }
        if !text.is_empty() {
            text.push_str(";\n");
        }
        renumber(&one.statement.text, values.len(), &mut text);
        values.extend(one.statement.values);
        counts.push(one.changed);
        if one.kind == Kind::Required {
            text.push_str(";\n");
            text.push_str(REFUSE_UNLESS_CHANGED);
            counts.push(Changed::default());
        }
    }
    let query = sqlx::query_with(AssertSqlSafe(text), arguments(values)?);
    let mut counts = counts.iter();
    let mut results = connection.fetch_many(query);
    while let Some(result) = results.try_next().await.map_err(fault)? {
        if let (Either::Left(done), Some(changed)) = (result, counts.next()) {
            changed.set(done.rows_affected());
        }
    }
    Ok(())
}

/// As parts of one statement, which counts what each of them changed. All of them see the
/// database as it was before.
async fn send_merged(
    waiting: Vec<Waiting>,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    if let [one] = waiting.as_slice() {
        return send_alone(one, connection).await;
    }
    let (mut text, mut counted, mut values) = ("WITH ".to_owned(), String::new(), Vec::new());
    let mut counts = Vec::new();
    for (number, one) in waiting.into_iter().enumerate() {
        if one.statement.nul_in_text {
            return Err(StoreError::NulInText);
        }
        let separator = if number == 0 { "" } else { ", " };
        let _ = write!(text, "{separator}part{number} AS (");
        renumber(&one.statement.text, values.len(), &mut text);
        text.push_str(" RETURNING 1)");
        let count = match one.kind {
            // A division by zero undoes all of the statement.
            Kind::Required => "COUNT(*) / CASE WHEN COUNT(*) = 0 THEN 0 ELSE 1 END",
            Kind::Bracket | Kind::Change => "COUNT(*)",
        };
        let _ = write!(counted, "{separator}(SELECT {count} FROM part{number})");
        values.extend(one.statement.values);
        counts.push(one.changed);
    }
    text.push_str(" SELECT ");
    text.push_str(&counted);
    let query = sqlx::query_with(AssertSqlSafe(text), arguments(values)?);
    let row = connection.fetch_one(query).await.map_err(fault)?;
    for (number, changed) in counts.iter().enumerate() {
        let rows: i64 = row.try_get(number).map_err(fault)?;
        changed.set(u64::try_from(rows).unwrap_or(0));
    }
    Ok(())
}

async fn send_alone(one: &Waiting, connection: &mut AnyConnection) -> Result<(), StoreError> {
    let rows = one.statement.clone().execute(connection).await?;
    one.changed.set(rows);
    match one.kind {
        Kind::Required if rows == 0 => Err(StoreError::unavailable(FaultCause::Unchanged)),
        Kind::Required | Kind::Change | Kind::Bracket => Ok(()),
    }
}

/// Appends a statement whose `$1` is the value behind the first `before`. A `$` stands only
/// before the number of a value.
fn renumber(statement: &str, before: usize, text: &mut String) {
    let mut parts = statement.split('$');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let number = number.parse().unwrap_or(0_usize) + before;
        let _ = write!(text, "${number}{rest}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::sql;

    fn lengths(texts: &[(&'static str, Kind)], sending: Sending) -> Vec<usize> {
        let mut batch = Batch::default();
        for (text, kind) in texts {
            batch.push_as(sql(text), *kind);
        }
        let mut lengths = Vec::new();
        while !batch.0.is_empty() {
            lengths.push(together(&batch.0, sending));
            batch.0.drain(..lengths[lengths.len() - 1]);
        }
        lengths
    }

    #[test]
    fn values_keep_their_places_behind_others() {
        let mut text = String::new();
        renumber("UPDATE a SET b = $2, c = $11 WHERE d = $1", 9, &mut text);
        assert_eq!(text, "UPDATE a SET b = $11, c = $20 WHERE d = $10");
    }

    #[test]
    fn runs_of_one_kind_go_together_in_few_lengths() {
        let mut texts = vec![("a", Kind::Change); 13];
        texts.push(("b", Kind::Change));
        assert_eq!(lengths(&texts, Sending::InRuns), [8, 4, 1, 1]);
        assert_eq!(lengths(&texts, Sending::Whole), [14]);
        assert_eq!(lengths(&texts, Sending::Merged { all: true }), [14]);
    }

    #[test]
    fn a_group_begins_and_ends_apart_and_a_head_goes_with_what_is_appended() {
        let mut texts = vec![("a", Kind::Change); 3];
        texts.insert(0, ("BEGIN", Kind::Bracket));
        texts.extend([("head", Kind::Required), ("rows", Kind::Change)]);
        texts.extend([("row", Kind::Change), ("COMMIT", Kind::Bracket)]);
        assert_eq!(
            lengths(&texts, Sending::Merged { all: false }),
            [1, 2, 1, 2, 1, 1]
        );
    }

    #[test]
    fn what_was_not_begun_before_is_a_single_statement() {
        let merged = Sending::Merged { all: true };
        let mut batch = Batch::default();
        batch.push_bracket(sql("BEGIN"));
        batch.push(sql("a"));
        assert!(!batch.is_single(merged));
        batch.push_bracket(sql("COMMIT"));
        assert!(batch.is_single(merged));
        assert!(!batch.is_single(Sending::Merged { all: false }));
        batch.0.remove(0);
        assert!(!batch.is_single(merged), "it was begun before");
    }
}
