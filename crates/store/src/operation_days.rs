//! How many operations of a day ended how.
//!
//! Counting is left to the background, since beginning and ending an operation are what everybody
//! waits for: nothing is written for it there, and no index is kept. What began lately is counted
//! when it is asked for.

mod count;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OrganizationId, Timestamp};

use crate::error::StoreError;
use crate::sql::{Record, sql};
use crate::store::Store;

const MICROS_A_DAY: i64 = 86_400_000_000;

/// The operations that began on one day, by how they ended; those that run are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationDay {
    /// When the day began, in UTC.
    pub day: Timestamp,
    /// Ran to their end, with exit code 0.
    pub completed: i64,
    /// Ended with another exit code, could not be run, were cancelled or were lost.
    pub failed: i64,
    /// Ran into their time limit.
    pub timed_out: i64,
}

/// Days that were counted, and the operations that were not yet. Of these the newest 10,000 are
/// looked at: more of them began in the last minutes, or they are being counted for the first time.
const OF_DAYS: &str = "
    SELECT day, CAST(SUM(completed) AS BIGINT) AS completed,
           CAST(SUM(failed) AS BIGINT) AS failed, CAST(SUM(timed_out) AS BIGINT) AS timed_out
    FROM (
        SELECT day, completed, failed, timed_out FROM operation_days
        WHERE organization_id = $1 AND day >= $2
        UNION ALL
        SELECT created_at / 86400000000 AS day,
               CASE WHEN state = 'completed' AND COALESCE(exit_code, 0) = 0
                   THEN 1 ELSE 0 END AS completed,
               CASE WHEN state = 'failed' OR state = 'completed' AND exit_code <> 0
                   THEN 1 ELSE 0 END AS failed,
               CASE WHEN state = 'timeout' THEN 1 ELSE 0 END AS timed_out
        FROM (
            SELECT created_at, state, exit_code FROM operations
            WHERE organization_id = $1 AND created_at >= (
                SELECT CASE WHEN operations_counted_to > $3 THEN operations_counted_to ELSE $3 END
                FROM organizations WHERE id = $1
            )
            ORDER BY created_at DESC, id DESC LIMIT 10000
        ) AS recent
    ) AS counted
    GROUP BY day ORDER BY day";

impl OperationDay {
    fn read(row: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            day: Timestamp::from_micros(row.get::<i64>("day")?.saturating_mul(MICROS_A_DAY)),
            completed: row.get("completed")?,
            failed: row.get("failed")?,
            timed_out: row.get("timed_out")?,
        })
    }
}

impl Store {
    /// The organization's days from that of `first` on that have operations, the oldest first.
    #[boxed]
    pub async fn operation_days(
        &self,
        organization: OrganizationId,
        first: Timestamp,
    ) -> Result<Vec<OperationDay>, StoreError> {
        let day = first.as_micros().div_euclid(MICROS_A_DAY);
        sql(OF_DAYS)
            .bind(organization)
            .bind(day)
            .bind(day.saturating_mul(MICROS_A_DAY))
            .all(&mut self.reader().await?, OperationDay::read)
            .await
    }
}
