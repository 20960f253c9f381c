//! Organizations.

use reoclo_store::{Conflict, StoreError};

use crate::fixture::Fixture;

contract![an_organization_is_found, a_slug_is_taken_once];

async fn an_organization_is_found(fixture: Fixture) {
    let store = &fixture.store;
    let [zoo, ape] = ["zoo", "ape"].map(|slug| fixture.new_organization(slug));
    store
        .create_organization(zoo.clone(), vec![])
        .await
        .unwrap();
    store
        .create_organization(ape.clone(), vec![])
        .await
        .unwrap();
    assert_eq!(store.organization(zoo.id).await.unwrap(), Some(zoo.clone()));
    assert_eq!(store.organizations().await.unwrap(), [ape, zoo]);
}

async fn a_slug_is_taken_once(fixture: Fixture) {
    let store = &fixture.store;
    store
        .create_organization(fixture.new_organization("zoo"), vec![])
        .await
        .unwrap();
    let second = fixture.new_organization("zoo");
    let refused = store.create_organization(second.clone(), vec![]).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::Slug))));
    assert_eq!(store.organization(second.id).await.unwrap(), None);
    let chain = store.audit_events(Some(second.id), 0, 10).await.unwrap();
    assert_eq!(chain, []);
}
