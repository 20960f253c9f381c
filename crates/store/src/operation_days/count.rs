//! Counting the operations of a day once.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{OperationState, OrganizationId, Timestamp};

use super::MICROS_A_DAY;
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;
use crate::writer::{Work, Write};

/// Operations that are read at a time.
const STEP: i64 = 5_000;

/// What is added to the days of an organization.
struct AddToDays {
    organization: OrganizationId,
    from: Timestamp,
    to: Timestamp,
    counts: Vec<Count>,
}

/// Operations of a day that ended in the same way.
struct Count {
    day: i64,
    state: OperationState,
    is_good: bool,
    number: i64,
}

impl Count {
    /// As the row has them: completed, failed, timed out.
    fn columns(&self) -> [i64; 3] {
        let is = |wanted: bool| if wanted { self.number } else { 0 };
        let is_completed = self.state == OperationState::Completed;
        [
            is(is_completed && self.is_good),
            is(is_completed && !self.is_good || self.state == OperationState::Failed),
            is(self.state == OperationState::Timeout),
        ]
    }
}

impl Write for AddToDays {
    type Output = bool;

    async fn apply(&self, work: &mut Work<'_>) -> Result<bool, StoreError> {
        let moved = sql("UPDATE organizations SET operations_counted_to = $3
             WHERE id = $1 AND operations_counted_to = $2")
        .bind(self.organization)
        .bind(self.from)
        .bind(self.to)
        .execute(work.connection().await?)
        .await?;
        if moved == 0 {
            return Ok(false);
        }
        for count in &self.counts {
            let [completed, failed, timed_out] = count.columns();
            sql(
                "INSERT INTO operation_days (organization_id, day, completed, failed, timed_out)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (organization_id, day) DO UPDATE SET
                     completed = operation_days.completed + excluded.completed,
                     failed = operation_days.failed + excluded.failed,
                     timed_out = operation_days.timed_out + excluded.timed_out",
            )
            .bind(self.organization)
            .bind(count.day)
            .bind(completed)
            .bind(failed)
            .bind(timed_out)
            .execute(work.connection().await?)
            .await?;
        }
        Ok(true)
    }
}

impl Store {
    /// Counts the operations of all organizations that began before `before` and were not counted
    /// yet, up to the first that still runs. Of two who count at once, one does.
    ///
    /// `before` has to lie further back than beginning an operation takes: one that appears
    /// before it later is not counted.
    #[boxed]
    pub async fn count_operations(&self, before: Timestamp) -> Result<(), StoreError> {
        let waiting = sql(
            "SELECT id, operations_counted_to FROM organizations WHERE EXISTS (
                 SELECT 1 FROM operations WHERE organization_id = organizations.id
                     AND created_at >= operations_counted_to AND created_at < $1
             ) ORDER BY id",
        )
        .bind(before)
        .all(&mut self.reader().await?, |row| {
            Ok((row.get("id")?, row.get("operations_counted_to")?))
        })
        .await?;
        for (organization, mut from) in waiting {
            while let Some(to) = self.count_step(organization, from, before).await? {
                from = to;
            }
        }
        Ok(())
    }

    /// Where counting got to, if it got on.
    async fn count_step(
        &self,
        organization: OrganizationId,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let to = self.count_end(organization, from, before).await?;
        if to <= from {
            return Ok(None);
        }
        let counts = sql("SELECT day, state, is_good, COUNT(*) AS number FROM (
                 SELECT created_at / 86400000000 AS day, state,
                        CAST(CASE WHEN COALESCE(exit_code, 0) = 0 THEN 1 ELSE 0 END
                            AS BIGINT) AS is_good
                 FROM operations
                 WHERE organization_id = $1 AND created_at >= $2 AND created_at < $3
             ) AS ended GROUP BY day, state, is_good")
        .bind(organization)
        .bind(from)
        .bind(to)
        .all(&mut self.reader().await?, |row| {
            let state = row.get("state")?;
            Ok(Count {
                day: row.get("day")?,
                state,
                is_good: row.get::<i64>("is_good")? == 1,
                number: row.get("number")?,
            })
        })
        .await?;
        debug_assert!(
            counts
                .iter()
                .all(|count| count.day <= to.as_micros() / MICROS_A_DAY)
        );
        let write = AddToDays {
            organization,
            from,
            to,
            counts,
        };
        Ok(self.write(write).await?.then_some(to))
    }

    /// Everything from `from` up to there has ended, and is no more than a step.
    async fn count_end(
        &self,
        organization: OrganizationId,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let mut reader = self.reader().await?;
        let running = sql("SELECT MIN(created_at) AS at FROM operations
             WHERE organization_id = $1 AND state = 'running'")
        .bind(organization)
        .one(&mut reader)
        .await?
        .get("at")?;
        let next = sql("SELECT created_at FROM operations
             WHERE organization_id = $1 AND created_at >= $2
             ORDER BY created_at, id LIMIT 1 OFFSET $3")
        .bind(organization)
        .bind(from)
        .bind(STEP)
        .optional(&mut reader)
        .await?;
        let next = next.map(|row| row.get("created_at")).transpose()?;
        // A step that would not get on is made larger.
        let next = next.filter(|next| *next > from);
        let ends = [Some(before), running, next];
        Ok(ends.into_iter().flatten().min().unwrap_or(before))
    }
}
