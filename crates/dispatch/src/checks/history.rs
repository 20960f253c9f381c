//! What was measured between two moments: stored, folded on the way, and still in memory.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{HostChecks, OrganizationId, Resolution, ServerId, Timestamp};
use reoclo_store::{MetricsRow, StoreError};

use super::recent::{MINUTE, minutes};
use crate::Dispatcher;

/// The span that is folded at a time.
const SPAN: Duration = Duration::from_mins(10);

/// Whose measurements, and from when to when.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Whose server it is.
    pub organization: OrganizationId,
    /// The server.
    pub server: ServerId,
    /// The first moment.
    pub from: Timestamp,
    /// The moment behind the last.
    pub to: Timestamp,
}

impl Dispatcher {
    /// The measurements of a stretch, the oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    #[boxed]
    pub async fn measured(
        &self,
        stretch: Stretch,
        resolution: Resolution,
    ) -> Result<Vec<HostChecks>, StoreError> {
        let mut points = if resolution == Resolution::Fine {
            points_of(self.fine(stretch).await?)
        } else {
            self.coarse(stretch, resolution).await?
        };
        // Rows begin earlier than the first of their points that was asked for.
        points.retain(|point| point.at >= stretch.from && point.at < stretch.to);
        Ok(points)
    }

    /// Coarse rows, and behind them those that are yet to be folded.
    async fn coarse(
        &self,
        stretch: Stretch,
        resolution: Resolution,
    ) -> Result<Vec<HostChecks>, StoreError> {
        let Stretch {
            organization,
            server,
            from,
            to,
        } = stretch;
        let from = from.begin_of(SPAN);
        let store = self.store();
        let folded = store
            .metrics(organization, server, resolution, from, to)
            .await?;
        let from = folded.last().map_or(from, |last| last.at.plus(SPAN));
        let fine = self.fine(Stretch { from, ..stretch }).await?;
        let mut points = points_of(folded);
        for span in fine.chunk_by(|one, next| one.at.begin_of(SPAN) == next.at.begin_of(SPAN)) {
            let mut folded = MetricsRow::folded(span);
            folded.retain(|row| row.resolution == resolution);
            points.extend(points_of(folded));
        }
        Ok(points)
    }

    /// Fine rows, and behind them what is not stored yet.
    async fn fine(&self, stretch: Stretch) -> Result<Vec<MetricsRow>, StoreError> {
        let Stretch {
            organization,
            server,
            from,
            to,
        } = stretch;
        let waiting = self.checks().of(server).waiting;
        let from = from.begin_of(MINUTE);
        let rows = self
            .store()
            .metrics(organization, server, Resolution::Fine, from, to);
        let mut rows = rows.await?;
        // What was stored between the two looks is in both.
        let stored = rows.last().map(|row| row.at.plus(MINUTE));
        let stored = stored.unwrap_or(from).max(from);
        let waiting = waiting.into_iter();
        rows.extend(minutes(server, waiting.filter(|check| check.at >= stored)));
        Ok(rows)
    }
}

fn points_of(rows: Vec<MetricsRow>) -> Vec<HostChecks> {
    rows.into_iter().flat_map(|row| row.points).collect()
}
