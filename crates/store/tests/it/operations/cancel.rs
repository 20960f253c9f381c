//! The wish that an operation ends.

use reoclo_domain::Secret;

use crate::fixture::Fixture;

contract![
    a_wish_is_kept_and_audited_until_the_end,
    another_organization_cancels_nothing,
];

async fn a_wish_is_kept_and_audited_until_the_end(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let (id, store, payload) = (new.id, &fixture.store, Secret::new("{}"));
    store.begin_operation(new, &payload, vec![]).await.unwrap();
    let cancel = async || {
        let event = fixture.event(team, "operation.cancel");
        let asked = store.request_cancel(team.organization, id, vec![event]);
        asked.await.unwrap()
    };
    assert!(cancel().await);
    let first = store.operation(team.organization, id).await.unwrap();
    let first = first.unwrap().cancel_requested_at;
    assert!(first.is_some());
    fixture.clock.advance(std::time::Duration::from_secs(1));
    assert!(cancel().await);
    let again = store.operation(team.organization, id).await.unwrap();
    assert_eq!(again.unwrap().cancel_requested_at, first);
    assert!(fixture.reopened().await.running_operations().await.unwrap()[0].is_cancelled);

    let finished = store.finish_operation(id, fixture.outcome(), vec![]);
    assert!(finished.await.unwrap());
    assert!(!cancel().await);
    assert_eq!(
        fixture.actions(team).await,
        ["operation.cancel", "operation.cancel"]
    );
}

async fn another_organization_cancels_nothing(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let server = fixture.server(team, "web").await;
    let new = fixture.new_operation(team, server);
    let (id, store, payload) = (new.id, &fixture.store, Secret::new("{}"));
    store.begin_operation(new, &payload, vec![]).await.unwrap();
    let asked = store.request_cancel(other.organization, id, vec![]).await;
    assert!(!asked.unwrap());
    assert!(!store.running_operations().await.unwrap()[0].is_cancelled);
}
