//! The sliding windows of automation keys (rule 12).
//!
//! One control plane has them in memory, and a restart empties them. Several on one PostgreSQL
//! share them as rows.

mod memory;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{AutomationKeyId, RateVerdict, SlidingWindow};

use crate::engine;
use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;
use crate::writer::{Work, Write};
pub(crate) use memory::RateWindows;

impl Store {
    /// Counts a request of a key, if the key has made fewer than `limit` in the last minute.
    ///
    /// Exact under concurrency, on one node and across replicas.
    #[boxed]
    pub async fn admit_request(
        &self,
        key: AutomationKeyId,
        limit: u32,
    ) -> Result<RateVerdict, StoreError> {
        if self.is_alone() {
            let second = self.clock().monotonic().as_secs();
            Ok(self.rate_windows().admit(key, limit, second))
        } else {
            self.admit_shared(key, limit).await
        }
    }

    /// One transaction: lock the key's row, read the clock that all replicas share, count, add.
    async fn admit_shared(
        &self,
        key: AutomationKeyId,
        limit: u32,
    ) -> Result<RateVerdict, StoreError> {
        self.write(Admit { key, limit }).await
    }
}

struct Admit {
    key: AutomationKeyId,
    limit: u32,
}

impl Write for Admit {
    type Output = RateVerdict;

    async fn apply(&self, work: &mut Work<'_>) -> Result<RateVerdict, StoreError> {
        let locked = sql(engine::LOCK_RATE_WINDOW).bind(self.key);
        let row = locked.one(work.connection().await?).await?;
        let (mut window, second) = read(&row)?;
        let verdict = window.admit(second, self.limit);
        if verdict.allowed {
            let (second, counts) = window.to_parts();
            sql("UPDATE rate_windows SET second = $2, counts = $3 WHERE key_id = $1")
                .bind(self.key)
                .bind(i64::try_from(second).unwrap_or(i64::MAX))
                .bind(joined(&counts))
                .execute(work.connection().await?)
                .await?;
        }
        Ok(verdict)
    }
}

/// The stored window, empty for a new row, and the current second.
fn read(row: &Record) -> Result<(SlidingWindow, u64), StoreError> {
    let unreadable = || StoreError::corrupt("rate_windows.counts");
    let (second, now): (u64, u64) = (row.get("second")?, row.get("now")?);
    let text: String = row.get("counts")?;
    if text.is_empty() {
        return Ok((SlidingWindow::default(), now));
    }
    let counts: Result<Vec<u32>, _> = text.split(',').map(str::parse).collect();
    let counts = counts.map_err(|_| unreadable())?;
    let window = SlidingWindow::from_parts(second, &counts).ok_or_else(unreadable)?;
    Ok((window, now))
}

fn joined(counts: &[u32]) -> String {
    let texts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    texts.join(",")
}
