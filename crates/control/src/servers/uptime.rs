//! How much of the time a server answered.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{Stretch, UNHEALTHY_AFTER};
use reoclo_domain::{HostChecks, Resolution, Timestamp};

use super::Servers;
use crate::{Authorized, Refusal, ServersRead};

/// A stretch of time, in slots.
#[derive(Debug)]
pub struct ServerUptime {
    /// The slots, the oldest first; the last one is not over.
    pub slots: Vec<UptimeSlot>,
}

/// One slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UptimeSlot {
    /// When it begins.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// How often the server was asked.
    pub total: u64,
    /// How often it answered.
    pub ok: u64,
}

/// How a server was in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UptimeStatus {
    /// It answered every time.
    Healthy,
    /// It did not answer so few times that it was a restart.
    Grace,
    /// It did not answer.
    Unhealthy,
    /// It was not asked.
    NoData,
}

impl UptimeStatus {
    /// The name on the wire (clients.md 3.2).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Grace => "grace",
            Self::Unhealthy => "unhealthy",
            Self::NoData => "no_data",
        }
    }
}

impl Servers<'_> {
    /// How much of the last `hours` a server of the caller's organization answered, in slots of
    /// `slot_minutes`.
    #[boxed]
    pub async fn uptime(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
        hours: u32,
        slot_minutes: u32,
    ) -> Result<ServerUptime, Refusal> {
        let organization = proof.caller().organization();
        let server = self.find(organization, reference).await?;
        let now = self.core.now();
        let slot = Duration::from_mins(slot_minutes.into());
        let from = now.minus(Duration::from_hours(hours.into())).begin_of(slot);
        let mut slots = empty(from, now, slot);
        // Minutes are kept for a day; what is older is known by ten of them.
        let ten = Resolution::TenMinutes.span();
        let minutes_from = now.minus(Resolution::Minute.kept()).begin_of(ten).plus(ten);
        let minutes_from = minutes_from.max(from);
        let parts = [
            (Resolution::TenMinutes, from, minutes_from),
            (Resolution::Minute, minutes_from, now.plus(slot)),
        ];
        for (resolution, from, to) in parts {
            if from >= to {
                continue;
            }
            let stretch = Stretch {
                organization,
                server: server.id,
                from,
                to,
            };
            for checks in self.dispatcher.measured(stretch, resolution).await? {
                spread(&mut slots, &checks, resolution.span());
            }
        }
        Ok(ServerUptime { slots })
    }
}

fn empty(from: Timestamp, now: Timestamp, slot: Duration) -> Vec<UptimeSlot> {
    let slots = std::iter::successors(Some(from), |start| Some(start.plus(slot)));
    slots
        .take_while(|start| *start <= now)
        .map(|start| UptimeSlot {
            start,
            end: start.plus(slot),
            total: 0,
            ok: 0,
        })
        .collect()
}

/// Adds checks to the slots that their span lies in, to each its share.
fn spread(slots: &mut [UptimeSlot], checks: &HostChecks, span: Duration) {
    let (begin, end) = (checks.at, checks.at.plus(span));
    let first = slots.partition_point(|slot| slot.end <= begin);
    for slot in slots[first..]
        .iter_mut()
        .take_while(|slot| slot.start < end)
    {
        let shared = slot.end.min(end).since(slot.start.max(begin));
        let total = share(checks.total, shared, span);
        let failed = share(checks.total.saturating_sub(checks.ok), shared, span);
        slot.total += total;
        slot.ok += total.saturating_sub(failed);
    }
}

/// As many of `count` as fall on `part` of `whole`, rounded.
fn share(count: u16, part: Duration, whole: Duration) -> u64 {
    let (part, whole) = (part.as_micros(), whole.as_micros().max(1));
    let shared = (u128::from(count) * part + whole / 2) / whole;
    u64::try_from(shared).unwrap_or(u64::MAX)
}

impl UptimeSlot {
    /// How the server was.
    pub fn status(&self) -> UptimeStatus {
        match self.total.saturating_sub(self.ok) {
            _ if self.total == 0 => UptimeStatus::NoData,
            0 => UptimeStatus::Healthy,
            failed if failed < u64::from(UNHEALTHY_AFTER) && self.ok > 0 => UptimeStatus::Grace,
            _ => UptimeStatus::Unhealthy,
        }
    }
}

impl ServerUptime {
    /// How often the server was asked, and how often it answered.
    pub fn sums(&self) -> (u64, u64) {
        let sum = |count: fn(&UptimeSlot) -> u64| self.slots.iter().map(count).sum();
        (sum(|slot| slot.total), sum(|slot| slot.ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Timestamp {
        Timestamp::from_micros(0).plus(Duration::from_mins(minutes))
    }

    fn counts(slots: &[UptimeSlot]) -> Vec<(u64, u64)> {
        slots.iter().map(|slot| (slot.total, slot.ok)).collect()
    }

    #[test]
    fn ten_minutes_are_shared_by_the_slots_in_them() {
        let two = Duration::from_mins(2);
        let mut slots = empty(at(0), at(9), two);
        let mut checks = HostChecks::failed(at(0));
        (checks.total, checks.ok) = (60, 30);
        spread(&mut slots, &checks, Duration::from_mins(10));
        assert_eq!(counts(&slots), [(12, 6); 5]);
    }

    #[test]
    fn a_span_across_two_slots_goes_to_both() {
        let seven = Duration::from_mins(7);
        let mut slots = empty(at(0), at(13), seven);
        let mut checks = HostChecks::failed(at(0));
        (checks.total, checks.ok) = (60, 60);
        spread(&mut slots, &checks, Duration::from_mins(10));
        assert_eq!(counts(&slots), [(42, 42), (18, 18)]);
    }

    #[test]
    fn a_restart_is_no_outage() {
        let slot = |total, ok| UptimeSlot {
            start: at(0),
            end: at(2),
            total,
            ok,
        };
        assert_eq!(slot(0, 0).status(), UptimeStatus::NoData);
        assert_eq!(slot(12, 12).status(), UptimeStatus::Healthy);
        assert_eq!(slot(12, 10).status(), UptimeStatus::Grace);
        assert_eq!(slot(12, 9).status(), UptimeStatus::Unhealthy);
        assert_eq!(slot(1, 0).status(), UptimeStatus::Unhealthy);
    }
}
