//! How the operations of the last days ended.

use std::ops::RangeInclusive;
use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::Timestamp;
use reoclo_store::OperationDay;

use crate::operations::Operations;
use crate::{Authorized, Refusal, ServersRead};

const DAY: Duration = Duration::from_hours(24);
/// The days that can be asked for.
const DAYS: RangeInclusive<u32> = 1..=366;
/// An operation is on record this long after it began, if it is at all.
const LATE: Duration = Duration::from_mins(1);

impl Operations<'_> {
    /// The last `days` days in UTC, today included and the oldest first: 1 to 366, also those
    /// without operations.
    #[boxed]
    pub async fn days(
        &self,
        proof: &Authorized<ServersRead>,
        days: u32,
    ) -> Result<Vec<OperationDay>, Refusal> {
        let days = days.clamp(*DAYS.start(), *DAYS.end());
        let today = self.core.now().begin_of(DAY);
        let first = today.minus(DAY * (days - 1));
        let organization = proof.caller().organization();
        let known = self
            .core
            .store()
            .operation_days(organization, first)
            .await?;
        let day = |number| {
            let day = first.plus(DAY * number);
            let found = known.iter().find(|known| known.day == day);
            found.copied().unwrap_or_else(|| nothing_on(day))
        };
        Ok((0..days).map(day).collect())
    }

    /// Counts the operations that began before the last minute; called once a minute.
    #[boxed]
    pub async fn count_by_day(&self) {
        let before = self.core.now().minus(LATE);
        if let Err(error) = self.core.store().count_operations(before).await
            && !error.is_of_an_outage()
        {
            tracing::warn!(%error, "operations could not be counted by day");
        }
    }
}

const fn nothing_on(day: Timestamp) -> OperationDay {
    OperationDay {
        day,
        completed: 0,
        failed: 0,
        timed_out: 0,
    }
}
