//! Audit rows on disk per second, beside plain synced writes of rows of the same size.

use std::time::Instant;

use anyhow::Result;
use futures_util::future::try_join_all;
use reoclo_domain::AuditEventId;
use reoclo_store::{Actor, ActorKind, AuditOutcome, NewAuditEvent, RequestSource, Resource};
use serde_json::json;

use crate::contest::Contest;
use crate::database::Database;
use crate::disk::SyncedFile;
use crate::lab::{Lab, runtime};
use crate::report::Report;
use crate::unit::{Unit, rate};

const BENCH: &str = "audit";
const ROUNDS: usize = 20;
/// Concurrent callers, and the rows that each of them appends for one sample.
const CALLERS: [(usize, usize); 3] = [(1, 100), (8, 50), (64, 25)];
const PLAIN_ROWS: usize = 100;
/// The text of the event below and two hashes.
const ROW_BYTES: usize = 420;

pub(super) fn run(lab: &Lab, report: &mut Report) -> Result<()> {
    let runtime = runtime()?;
    let database = runtime.block_on(Database::create(&lab.scratch.new_path("audit")))?;
    let mut file = SyncedFile::create(&lab.scratch.new_path("rows"), ROW_BYTES)?;
    let plain = format!("write + fdatasync, {ROW_BYTES} bytes");
    let mut contest = Contest::default();
    contest.add(plain.as_str(), Unit::PerSecond, || {
        let start = Instant::now();
        (0..PLAIN_ROWS).try_for_each(|_| file.append())?;
        Ok(rate(PLAIN_ROWS, start.elapsed()))
    });
    for &(callers, rows) in &CALLERS {
        let (runtime, database) = (&runtime, &database);
        let what = format!("audit rows, {callers} at a time");
        contest.add(what, Unit::PerSecond, move || {
            runtime.block_on(append(database, callers, rows))
        });
    }
    let measured = contest.run(lab.samples(ROUNDS));
    report.take(BENCH, measured, &plain);
    runtime.block_on(database.store.close());
    Ok(())
}

async fn append(database: &Database, callers: usize, rows: usize) -> Result<f64> {
    let start = Instant::now();
    let callers = (0..callers).map(|_| async {
        for _ in 0..rows {
            let events = vec![event(database, "server.touch")];
            database.store.append_audit(events).await?;
        }
        anyhow::Ok(rows)
    });
    let appended = try_join_all(callers).await?.into_iter().sum();
    Ok(rate(appended, start.elapsed()))
}

/// An event like those of an operation.
pub(in crate::bench) fn event(database: &Database, action: &'static str) -> NewAuditEvent {
    let Database { clock, entropy, .. } = database;
    NewAuditEvent {
        id: AuditEventId::new(&**clock, &**entropy),
        organization: Some(database.organization),
        at: clock.now(),
        actor: Actor {
            kind: ActorKind::AutomationKey,
            id: Some(database.admin.as_uuid()),
            label: "deploy".into(),
        },
        source: RequestSource {
            ip: Some([127, 0, 0, 1].into()),
            user_agent: Some("reoclo-bench".into()),
            via: None,
            request_id: None,
        },
        action,
        resource: Resource {
            kind: "server",
            id: Some(database.server.to_string()),
            name: Some("web".into()),
        },
        outcome: AuditOutcome::Success,
        detail: json!({ "command": "true", "timeout_seconds": 60 }),
    }
}
