//! Statements that go to the database together.
//!
//! SQLite's driver has a thread of its own, and a statement that is sent alone wakes that thread
//! and then whoever waits for it: that takes longer than most statements do. Several in one text
//! wake them once. PostgreSQL takes one statement at a time.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt;
use sqlx::{AnyConnection, AssertSqlSafe, Either, Executor};

use super::{Statement, arguments};
use crate::engine;
use crate::error::StoreError;

/// The most statements of one kind in a text; texts are prepared once each, so there are few.
const LONGEST_RUN: usize = 8;

/// How many statements go into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// One.
    Apart,
    /// Those of one kind that follow each other.
    InRuns,
    /// All: for what is sent again and again in just this order.
    Whole,
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
pub(crate) struct Batch(Vec<(Statement, Changed)>);

impl Batch {
    pub(crate) fn push(&mut self, statement: Statement) -> Changed {
        let changed = Changed::default();
        self.0.push((statement, changed.clone()));
        changed
    }

    /// Sends what waits; at the first error the rest is not sent.
    pub(crate) async fn send(
        &mut self,
        connection: &mut AnyConnection,
        sending: Sending,
    ) -> Result<(), StoreError> {
        let mut waiting = std::mem::take(&mut self.0);
        while !waiting.is_empty() {
            let rest = waiting.split_off(together(&waiting, sending));
            send_together(waiting, connection).await?;
            waiting = rest;
        }
        Ok(())
    }
}

/// How many of the first statements go together.
fn together(waiting: &[(Statement, Changed)], sending: Sending) -> usize {
    match sending {
        Sending::Apart => 1,
        Sending::Whole => waiting.len(),
        Sending::InRuns => {
            let text = waiting.first().map(|(first, _)| &first.text);
            let alike = waiting.iter().take(LONGEST_RUN);
            let run = alike
                .take_while(|(statement, _)| Some(&statement.text) == text)
                .count();
            1 << run.max(1).ilog2()
        }
    }
}

async fn send_together(
    statements: Vec<(Statement, Changed)>,
    connection: &mut AnyConnection,
) -> Result<(), StoreError> {
    let (mut text, mut values, mut counts) = (String::new(), Vec::new(), Vec::new());
    for (statement, changed) in statements {
        if statement.nul_in_text {
            return Err(StoreError::NulInText);
        }
        if !text.is_empty() {
            text.push_str(";\n");
        }
        renumber(&statement.text, values.len(), &mut text);
        values.extend(statement.values);
        counts.push(changed);
    }
    let query = sqlx::query_with(AssertSqlSafe(text), arguments(values)?);
    let mut counts = counts.iter();
    let mut results = connection.fetch_many(query);
    while let Some(result) = results.try_next().await.map_err(engine::fault)? {
        if let (Either::Left(done), Some(changed)) = (result, counts.next()) {
            changed.set(done.rows_affected());
        }
    }
    Ok(())
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

    fn lengths(texts: &[&'static str], sending: Sending) -> Vec<usize> {
        let mut waiting: Vec<_> = texts
            .iter()
            .map(|text| (sql(text), Changed::default()))
            .collect();
        let mut lengths = Vec::new();
        while !waiting.is_empty() {
            lengths.push(together(&waiting, sending));
            waiting.drain(..lengths[lengths.len() - 1]);
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
        let mut texts = vec!["a"; 13];
        texts.push("b");
        assert_eq!(lengths(&texts, Sending::InRuns), [8, 4, 1, 1]);
        assert_eq!(lengths(&texts, Sending::Whole), [14]);
        assert_eq!(lengths(&texts, Sending::Apart), [1; 14]);
    }
}
