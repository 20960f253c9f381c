//! Operations that wait for room on their server.

use reoclo_domain::{Clock, Secret};

use crate::fixture::Fixture;

contract![a_queued_operation_keeps_its_payload_and_then_its_place];

async fn a_queued_operation_keeps_its_payload_and_then_its_place(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let mut new = fixture.new_operation(team, server);
    new.queued_at = Some(fixture.clock.now());
    let (id, store, payload) = (new.id, &fixture.store, Secret::new("{}"));
    store
        .begin_operation(new.clone(), &payload, vec![])
        .await
        .unwrap();
    let record = async || {
        store
            .operation(team.organization, id)
            .await
            .unwrap()
            .unwrap()
    };
    assert!(record().await.is_queued);
    let found = fixture.reopened().await.running_operations().await.unwrap();
    assert_eq!(found[0].operation, new);
    assert_eq!(found[0].payload, Some(payload));
    assert_eq!(found[0].dequeued_at, None);

    fixture.clock.advance(std::time::Duration::from_secs(3));
    let at = fixture.clock.now();
    let left = store.operation_dequeued(id, at, "boot 2".into(), "instance 2".into());
    assert!(left.await.unwrap());
    assert!(!record().await.is_queued);
    assert_eq!(record().await.boot_id, "boot 2");
    let found = store.running_operations().await.unwrap();
    assert_eq!(found[0].dequeued_at, Some(at));
    assert_eq!(found[0].operation.instance_id, "instance 2");

    let finished = store.finish_operation(id, fixture.outcome(), vec![]);
    assert!(finished.await.unwrap());
    let left = store.operation_dequeued(id, at, "boot 3".into(), "instance 3".into());
    assert!(!left.await.unwrap());
    assert_eq!(record().await.boot_id, "boot 2");
}
