//! Folding fine measurements into coarse ones, when their ten minutes are over.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{HostChecks, Resolution, Timestamp};

use super::{MetricsRow, span};
use crate::error::StoreError;
use crate::sql::sql;
use crate::store::Store;

impl MetricsRow {
    /// The two rows of the span in which fine measurements lie: one a minute, and one for all.
    pub fn folded(fine: &[Self]) -> Vec<Self> {
        let Some(first) = fine.first() else {
            return Vec::new();
        };
        let at = first.at.begin_of(span(Resolution::Minute));
        let minutes: Vec<_> = fine
            .iter()
            .filter(|row| !row.points.is_empty())
            .map(|row| HostChecks::merged(row.at, &row.points))
            .collect();
        let row = |resolution, points| Self {
            server: first.server,
            resolution,
            at,
            points,
        };
        let whole = vec![HostChecks::merged(at, &minutes)];
        vec![
            row(Resolution::Minute, minutes),
            row(Resolution::TenMinutes, whole),
        ]
    }
}

impl Store {
    /// Folds the oldest span that is over at `closed_at` and was not folded, after `after` if
    /// there is one; answers when it began. Doing it again changes nothing.
    #[boxed]
    pub async fn fold_metrics(
        &self,
        after: Option<Timestamp>,
        closed_at: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Some(begin) = self.next_to_fold(after).await? else {
            return Ok(None);
        };
        let end = begin.plus(span(Resolution::Minute));
        if end > closed_at {
            return Ok(None);
        }
        let folded = self.folded_between(begin, end).await?;
        self.record_metrics(folded).await?;
        Ok(Some(begin))
    }

    /// Where the oldest fine row lies that comes after what is folded.
    async fn next_to_fold(
        &self,
        after: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let mut reader = self.reader().await?;
        let length = span(Resolution::Minute);
        let after = match after {
            Some(after) => Some(after),
            None => sql("SELECT MAX(at) AS at FROM server_metrics WHERE resolution = $1")
                .bind(Resolution::TenMinutes.seconds())
                .one(&mut reader)
                .await?
                .get::<Option<Timestamp>>("at")?,
        };
        let from = after.map_or(Timestamp::from_micros(0), |after| after.plus(length));
        let oldest =
            sql("SELECT MIN(at) AS at FROM server_metrics WHERE resolution = $1 AND at >= $2")
                .bind(Resolution::Fine.seconds())
                .bind(from)
                .one(&mut reader)
                .await?;
        Ok(oldest
            .get::<Option<Timestamp>>("at")?
            .map(|at| at.begin_of(length)))
    }

    async fn folded_between(
        &self,
        begin: Timestamp,
        end: Timestamp,
    ) -> Result<Vec<MetricsRow>, StoreError> {
        let mut folded = Vec::new();
        let mut of_one: Vec<MetricsRow> = Vec::new();
        sql(
            "SELECT * FROM server_metrics WHERE resolution = $1 AND at >= $2 AND at < $3
             ORDER BY server_id, at",
        )
        .bind(Resolution::Fine.seconds())
        .bind(begin)
        .bind(end)
        .all(&mut self.reader().await?, |row| {
            let row = MetricsRow::read(row)?;
            if of_one
                .first()
                .is_some_and(|first| first.server != row.server)
            {
                folded.append(&mut MetricsRow::folded(&of_one));
                of_one.clear();
            }
            of_one.push(row);
            Ok(())
        })
        .await?;
        folded.append(&mut MetricsRow::folded(&of_one));
        Ok(folded)
    }
}
