//! Exports.

use reoclo_domain::{Clock, OrganizationId};
use reoclo_store::{Chain, Checkpoint, Conflict, StoreError};
use serde_json::Value;

use crate::fixture::Fixture;

contract![
    an_export_has_every_row_and_ends_with_checkpoints,
    an_organizations_export_is_its_own_chain_as_it_was_at_the_beginning,
    of_a_changed_head_no_checkpoint_is_signed,
];

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

async fn an_organizations_export_is_its_own_chain_as_it_was_at_the_beginning(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    let events =
        |team, count| -> Vec<_> { (0..count).map(|_| fixture.event(team, "touch")).collect() };
    fixture.store.append_audit(events(zoo, 401)).await.unwrap();
    fixture.store.append_audit(events(ape, 7)).await.unwrap();
    let mut export = fixture.store.export_audit(zoo.organization).await.unwrap();
    let mut pages = vec![export.next().await.unwrap().unwrap()];
    // What is added meanwhile is left to the next export.
    fixture.store.append_audit(events(zoo, 5)).await.unwrap();
    while let Some(page) = export.next().await.unwrap() {
        pages.push(page);
    }
    let longest = pages.iter().map(Vec::len).max().unwrap();
    assert!(longest < 200 * 1024, "{longest} bytes in memory at a time");
    let text = String::from_utf8(pages.concat()).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 402);
    let chain = zoo.organization.to_string();
    for (row, number) in lines[..401].iter().zip(1..) {
        assert_eq!(
            (&row["seq"], &row["chain"]),
            (&number.into(), &chain.as_str().into())
        );
    }
    let checkpoint: Checkpoint = serde_json::from_value(lines[401].clone()).unwrap();
    assert_eq!(&checkpoint, export.checkpoint());
    assert_eq!(
        (checkpoint.chain, checkpoint.seq),
        (Chain::Organization(zoo.organization), 401)
    );
    let report = fixture
        .store
        .verify_audit(zoo.organization, &[checkpoint])
        .await
        .unwrap();
    assert_eq!((report.chain.rows, report.chain.fault), (406, None));
}

async fn of_a_changed_head_no_checkpoint_is_signed(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let event = fixture.event(team, "touch");
    fixture.store.append_audit(vec![event]).await.unwrap();
    let chain = team.organization;
    let change = format!("UPDATE audit_heads SET seq = 9 WHERE chain = '{chain}'");
    assert_eq!(fixture.database.execute(&change).await, 1);
    let refused = fixture.store.export_audit(chain).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))));
    let unknown = OrganizationId::new(&*fixture.clock, &*fixture.entropy);
    let refused = fixture.store.export_audit(unknown).await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Missing))
    ));
}
