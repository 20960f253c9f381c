//! Exports.

use reoclo_domain::Clock;
use reoclo_store::Checkpoint;
use serde_json::Value;

use crate::fixture::Fixture;

contract![an_export_has_every_row_and_ends_with_checkpoints];

async fn an_export_has_every_row_and_ends_with_checkpoints(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let events = (0..450).map(|_| fixture.event(team, "touch")).collect();
    fixture.store.append_audit(events).await.unwrap();
    let mut reader = fixture.audit_reader().await;
    let mut out = Vec::new();
    let report = reader.export(fixture.clock.now(), &mut out).await.unwrap();
    assert_eq!(report.rows, 452);
    assert_eq!(
        report.checkpoints,
        fixture.store.checkpoints().await.unwrap()
    );

    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 454);
    let row: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(row["seq"], 1);
    assert_eq!(row["detail"]["b"], 1);
    assert_eq!(row["at"], "2026-01-01T00:00:00.000000Z");
    let checkpoints = lines[452..]
        .iter()
        .map(|line| serde_json::from_str(line).unwrap());
    assert_eq!(checkpoints.collect::<Vec<Checkpoint>>(), report.checkpoints);
    let verified = reader.verify(&report.checkpoints).await.unwrap();
    assert!(verified.is_intact());
}
