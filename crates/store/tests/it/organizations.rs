//! Organizations.

use reoclo_store::{Conflict, StoreError};

use crate::fixture::Fixture;

contract![
    an_organization_is_found,
    a_slug_is_taken_once,
    the_instance_records_every_new_chain,
    text_with_nul_is_refused,
];

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
    assert_eq!(
        store.organization(zoo.id).await.unwrap(),
        Some(zoo.clone().into())
    );
    assert_eq!(
        store.organizations().await.unwrap(),
        [ape.into(), zoo.into()]
    );
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

async fn the_instance_records_every_new_chain(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let rows = fixture.store.audit_events(None, 0, 10).await.unwrap();
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row.seq, row.action.as_str()))
        .collect();
    assert_eq!(said, [(1, "instance.create"), (2, "audit.chain.create")]);
    assert_eq!(rows[1].resource_id, Some(team.organization.to_string()));
}

async fn text_with_nul_is_refused(fixture: Fixture) {
    let mut organization = fixture.new_organization("zoo");
    organization.name = "a\0b".into();
    let refused = fixture
        .store
        .create_organization(organization, vec![])
        .await;
    assert!(matches!(refused, Err(StoreError::NulInText)));
    assert_eq!(fixture.store.organizations().await.unwrap(), []);
}
