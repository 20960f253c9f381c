use axum::extract::State;
use reoclo_api_types::{ServerUptimeBody, UptimeBucketBody};
use reoclo_control::{Authorized, Control, Refusal, ServersRead, UptimeSlot};

use super::metrics::round;
use crate::answer::Answer;
use crate::error::ApiError;
use crate::path::ItemId;
use crate::query::{QueryReader, QueryText};
use crate::registrar::QueryParameter;

const HOURS: i64 = 6;
const SLOT_MINUTES: i64 = 2;

pub(super) const PARAMETERS: &[QueryParameter] = &[
    ("hours", "How far back: 1 to 168, 6 by default."),
    ("slot_minutes", "How long a slot is: 1 to 60, 2 by default."),
];

pub(super) async fn show(
    proof: Authorized<ServersRead>,
    State(control): State<Control>,
    ItemId(id): ItemId,
    query: QueryText,
) -> Result<Answer<ServerUptimeBody>, ApiError> {
    let [hours, slot_minutes] = read(&query)?;
    let found = control
        .servers()
        .uptime(&proof, &id, hours, slot_minutes)
        .await?;
    let (total, ok) = found.sums();
    Ok(Answer(ServerUptimeBody {
        buckets: found.slots.iter().map(bucket).collect(),
        overall_uptime_pct: percent(total, ok),
        hours: hours.into(),
        slot_minutes: slot_minutes.into(),
    }))
}

fn read(query: &QueryText) -> Result<[u32; 2], Refusal> {
    let mut reader = QueryReader::new(query);
    let hours = reader.number(&["hours"], 1, 168).unwrap_or(HOURS);
    let slot = reader.number(&["slot_minutes"], 1, 60);
    let slot = slot.unwrap_or(SLOT_MINUTES);
    reader.finish()?;
    Ok([hours, slot].map(|number| u32::try_from(number).unwrap_or(1)))
}

fn bucket(slot: &UptimeSlot) -> UptimeBucketBody {
    UptimeBucketBody {
        slot_start: slot.start.to_string(),
        slot_end: slot.end.to_string(),
        total_checks: integer(slot.total),
        ok_checks: integer(slot.ok),
        uptime_pct: percent(slot.total, slot.ok),
        status: slot.status().as_str().into(),
    }
}

fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seven days of seconds are exact"
)]
fn percent(total: u64, ok: u64) -> f64 {
    if total == 0 {
        return 0.0;
    }
    round(ok as f64 * 100.0 / total as f64)
}
