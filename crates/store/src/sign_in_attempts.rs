//! How often somebody tried to sign in, counted where every replica sees it.

use std::time::Duration;

use reoclo_domain::Timestamp;
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// Somebody who may try only so often: an account, or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptLimit {
    /// Who; never an account's name in clear.
    pub subject: String,
    /// Attempts in one window.
    pub most: u32,
}

/// Whether an attempt may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptVerdict {
    /// It may, and is counted.
    Allowed,
    /// Not before this moment.
    NotBefore(Timestamp),
}

struct CountAttempt {
    limits: Vec<AttemptLimit>,
    now: Timestamp,
    window: Duration,
}

impl Write for CountAttempt {
    type Output = AttemptVerdict;

    async fn apply(&self, work: &mut Work<'_>) -> Result<AttemptVerdict, StoreError> {
        let oldest = self.now.minus(self.window);
        sql("DELETE FROM sign_in_attempts WHERE first_at <= $1")
            .bind(oldest)
            .execute(work.connection().await?)
            .await?;
        let mut verdict = AttemptVerdict::Allowed;
        for limit in &self.limits {
            let (attempts, first_at) = self.count(work.connection().await?, limit).await?;
            if attempts > i64::from(limit.most) {
                verdict = verdict.later(first_at.plus(self.window));
            }
        }
        Ok(verdict)
    }
}

impl CountAttempt {
    /// The attempts with this one, and the moment of the first of them.
    async fn count(
        &self,
        connection: &mut AnyConnection,
        limit: &AttemptLimit,
    ) -> Result<(i64, Timestamp), StoreError> {
        let row = sql(
            "INSERT INTO sign_in_attempts (subject, attempts, first_at) VALUES ($1, 1, $2)
             ON CONFLICT (subject) DO UPDATE SET attempts = sign_in_attempts.attempts + 1
             RETURNING attempts, first_at",
        )
        .bind(limit.subject.as_str())
        .bind(self.now)
        .one(connection)
        .await?;
        Ok((row.integer("attempts")?, row.time("first_at")?))
    }
}

impl AttemptVerdict {
    fn later(self, moment: Timestamp) -> Self {
        match self {
            Self::NotBefore(other) if other > moment => self,
            _ => Self::NotBefore(moment),
        }
    }
}

struct TakeBack {
    cleared: String,
    less: String,
}

impl Write for TakeBack {
    type Output = ();

    async fn apply(&self, work: &mut Work<'_>) -> Result<(), StoreError> {
        sql("DELETE FROM sign_in_attempts WHERE subject = $1")
            .bind(self.cleared.as_str())
            .execute(work.connection().await?)
            .await?;
        sql("UPDATE sign_in_attempts SET attempts = attempts - 1
             WHERE subject = $1 AND attempts > 0")
        .bind(self.less.as_str())
        .execute(work.connection().await?)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Counts an attempt before it is made, so that of many at once no more than the limit are
    /// tried. The window of a subject begins with its first attempt.
    pub async fn count_attempt(
        &self,
        limits: Vec<AttemptLimit>,
        now: Timestamp,
        window: Duration,
    ) -> Result<AttemptVerdict, StoreError> {
        let write = CountAttempt {
            limits,
            now,
            window,
        };
        self.write(write).await
    }

    /// An attempt was good: the account's count is cleared, and the address's is one less.
    pub async fn attempt_succeeded(&self, account: &str, address: &str) -> Result<(), StoreError> {
        let write = TakeBack {
            cleared: account.to_owned(),
            less: address.to_owned(),
        };
        self.write(write).await
    }
}
