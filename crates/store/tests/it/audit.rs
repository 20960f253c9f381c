//! The audit log.

mod export;
mod page;
mod verify;

use std::collections::BTreeSet;

use reoclo_domain::{Clock, OrganizationId};
use reoclo_store::{AuditOutcome, AuditRow, Chain, Checkpoint, Conflict, StoreError};

use crate::fixture::Fixture;

contract![
    an_event_comes_back_as_it_was,
    events_are_read_from_where_one_left_off,
    an_event_of_an_unknown_organization_is_refused,
    checkpoints_name_every_chain,
];

async fn an_event_comes_back_as_it_was(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let event = fixture.event(team, "server.touch");
    fixture
        .store
        .append_audit(vec![event.clone()])
        .await
        .unwrap();
    let rows = fixture
        .store
        .audit_events(Some(team.organization), 0, 10)
        .await
        .unwrap();
    let expected = AuditRow {
        seq: 1,
        id: event.id,
        organization: event.organization,
        at: event.at,
        actor: event.actor,
        source: event.source,
        action: event.action.into(),
        resource_kind: event.resource.kind.into(),
        resource_id: event.resource.id,
        resource_name: event.resource.name,
        outcome: AuditOutcome::Success,
        detail: event.detail,
        previous_hash: [0; 32],
        hash: rows[0].hash,
    };
    assert_eq!(rows, [expected]);
}

async fn events_are_read_from_where_one_left_off(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let events = (0..70).map(|_| fixture.event(team, "touch")).collect();
    fixture.store.append_audit(events).await.unwrap();
    let read = |after, limit| {
        fixture
            .store
            .audit_events(Some(team.organization), after, limit)
    };
    let rows = read(68, 10).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [69, 70]);
    assert_eq!(rows[1].previous_hash, rows[0].hash);
    assert_eq!(read(0, 3).await.unwrap().len(), 3);
    assert_eq!(read(70, 10).await.unwrap(), []);
}

async fn an_event_of_an_unknown_organization_is_refused(fixture: Fixture) {
    let mut team = fixture.team("zoo").await;
    team.organization = OrganizationId::new(&*fixture.clock, &*fixture.entropy);
    let refused = fixture
        .store
        .append_audit(vec![fixture.event(team, "touch")])
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Missing))
    ));
}

async fn checkpoints_name_every_chain(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    fixture
        .store
        .append_audit(vec![fixture.event(zoo, "touch")])
        .await
        .unwrap();
    let checkpoints = fixture.store.checkpoints().await.unwrap();
    let named: BTreeSet<_> = checkpoints
        .iter()
        .map(|made| (made.chain, made.seq))
        .collect();
    let expected = [
        (Chain::Instance, 3),
        (Chain::Organization(zoo.organization), 1),
        (Chain::Organization(ape.organization), 0),
    ];
    assert_eq!(named, BTreeSet::from(expected));
    for checkpoint in checkpoints {
        assert_eq!(checkpoint.at, fixture.clock.now());
        let text = serde_json::to_string(&checkpoint).unwrap();
        assert_eq!(
            serde_json::from_str::<Checkpoint>(&text).unwrap(),
            checkpoint
        );
    }
}
