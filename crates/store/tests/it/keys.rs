//! Keys.

mod cache;
mod list;
mod origin;
mod replace;
mod revoke;
mod uses;

use std::time::Duration;

use reoclo_domain::{
    Acl, AddressSourceId, Cell, Clock, KeyStatus, OperationKind, Preset, RegistryCredentialId,
    Scope, ServerId,
};
use reoclo_store::{Conflict, KeyRecord, StoreError};

use crate::fixture::Fixture;

contract![
    an_integration_key_comes_back_as_it_was,
    an_automation_key_comes_back_as_it_was,
    a_token_or_an_id_is_taken_once,
    an_unknown_token_finds_nothing,
    a_key_of_nobody_is_refused,
    an_expiry_changes_at_once,
];

async fn an_integration_key_comes_back_as_it_was(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let custom = Acl::empty()
        .with(Cell::SERVERS_EXECUTE)
        .with(Cell::LOGS_READ);
    for preset in [
        Preset::FullAccess,
        Preset::DeployOnly,
        Preset::ReadOnly,
        Preset::Custom(custom),
    ] {
        let (mut key, token) = (fixture.integration_key(team), fixture.token_hash());
        key.preset = preset;
        key.life.expires_at = Some(fixture.clock.now().plus(Duration::from_secs(9)));
        let event = fixture.event(team, "integration_key.create");
        fixture
            .store
            .create_integration_key(key.clone(), token, vec![event])
            .await
            .unwrap();
        for store in [&fixture.store, &fixture.reopened().await] {
            let found = store.find_key(&token).await.unwrap().unwrap();
            assert_eq!(*found, KeyRecord::Integration(key.clone()));
            let listed = store.integration_keys(team.organization).await.unwrap();
            assert!(listed.contains(&key));
            assert_eq!(store.automation_keys(team.organization).await.unwrap(), []);
            assert_eq!(
                store.integration_keys(other.organization).await.unwrap(),
                []
            );
        }
    }
    assert_eq!(fixture.actions(team).await, ["integration_key.create"; 4]);
}

async fn an_automation_key_comes_back_as_it_was(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (all, mut some, mut none) = (
        fixture.automation_key(team),
        fixture.automation_key(team),
        fixture.automation_key(team),
    );
    let server = || ServerId::new(&*fixture.clock, &*fixture.entropy);
    let credential = RegistryCredentialId::new(&*fixture.clock, &*fixture.entropy);
    some.scope.servers = Scope::Only(vec![server(), server()]);
    some.scope.operations = [OperationKind::Exec, OperationKind::RegistryLogin]
        .into_iter()
        .collect();
    some.scope.registry_credentials = Scope::Only(vec![credential]);
    some.ip_allowlist = vec![
        "10.0.0.0/8".parse().unwrap(),
        "2001:db8::/32".parse().unwrap(),
    ]
    .into();
    some.allowlist_sources = vec![AddressSourceId::new(&*fixture.clock, &*fixture.entropy)];
    some.rate_limit_per_minute = 7;
    none.scope.servers = Scope::Only(vec![]);
    none.scope.operations = [].into_iter().collect();
    none.scope.registry_credentials = Scope::Only(vec![]);
    for key in [all, some, none] {
        let token = fixture.token_hash();
        fixture
            .store
            .create_automation_key(key.clone(), token, vec![])
            .await
            .unwrap();
        for store in [&fixture.store, &fixture.reopened().await] {
            let found = store.find_key(&token).await.unwrap().unwrap();
            assert_eq!(*found, KeyRecord::Automation(key.clone()));
            assert!(
                store
                    .automation_keys(team.organization)
                    .await
                    .unwrap()
                    .contains(&key)
            );
        }
    }
}

async fn a_token_or_an_id_is_taken_once(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let (key, token) = (fixture.integration_key(team), fixture.token_hash());
    store
        .create_integration_key(key.clone(), token, vec![])
        .await
        .unwrap();
    let event = fixture.event(team, "integration_key.create");
    let same_token =
        store.create_integration_key(fixture.integration_key(team), token, vec![event]);
    assert!(matches!(
        same_token.await,
        Err(StoreError::Conflict(Conflict::Exists))
    ));
    let other = fixture.token_hash();
    let same_id = store
        .create_integration_key(key.clone(), other, vec![])
        .await;
    assert!(matches!(
        same_id,
        Err(StoreError::Conflict(Conflict::Exists))
    ));
    assert_eq!(store.find_key(&other).await.unwrap(), None);
    assert_eq!(
        store.integration_keys(team.organization).await.unwrap(),
        [key]
    );
    assert_eq!(fixture.actions(team).await, [""; 0]);
}

async fn an_unknown_token_finds_nothing(fixture: Fixture) {
    assert_eq!(
        fixture.store.find_key(&fixture.token_hash()).await.unwrap(),
        None
    );
}

async fn a_key_of_nobody_is_refused(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let mut key = fixture.integration_key(team);
    key.creator = fixture.new_user("").id;
    let token = fixture.token_hash();
    let refused = fixture
        .store
        .create_integration_key(key, token, vec![])
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::Conflict(Conflict::Missing))
    ));
    assert_eq!(fixture.store.find_key(&token).await.unwrap(), None);
}

async fn an_expiry_changes_at_once(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    let (key, token) = (fixture.automation_key(team), fixture.token_hash());
    let key_ref = KeyRecord::Automation(key.clone()).key_ref();
    store
        .create_automation_key(key, token, vec![])
        .await
        .unwrap();
    let now = Some(fixture.clock.now());
    let event = || vec![fixture.event(team, "automation_key.expire")];
    assert!(
        !store
            .expire_key(other.organization, key_ref, now, event())
            .await
            .unwrap()
    );
    for (expires_at, status) in [(now, KeyStatus::Expired), (None, KeyStatus::Active)] {
        let changed = store.expire_key(team.organization, key_ref, expires_at, event());
        assert!(changed.await.unwrap());
        let found = store.find_key(&token).await.unwrap().unwrap();
        assert_eq!(found.life().status(fixture.clock.now()), status);
        let found = fixture
            .reopened()
            .await
            .find_key(&token)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.life().expires_at, expires_at);
    }
    assert_eq!(fixture.actions(team).await, ["automation_key.expire"; 2]);
}
