//! Revoking: effective before the answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reoclo_domain::{Clock, IntegrationKeyId, KeyStatus};
use reoclo_store::{KeyRecord, KeyRef};

use crate::fixture::Fixture;

contract![
    a_revoked_key_is_found_as_revoked,
    a_key_is_revoked_once,
    only_the_own_organization_revokes,
    nobody_who_asks_after_the_answer_sees_it_active,
];

async fn a_revoked_key_is_found_as_revoked(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (key, token) = (fixture.integration_key(team), fixture.token_hash());
    let key_ref = KeyRef::Integration(key.id);
    let store = &fixture.store;
    store
        .create_integration_key(key, token, vec![])
        .await
        .unwrap();
    let event = fixture.event(team, "key.revoke");
    let now = fixture.clock.now();
    assert!(
        store
            .revoke_key(team.organization, key_ref, now, vec![event])
            .await
            .unwrap()
    );
    for store in [store, &fixture.reopened().await] {
        let found = store.find_key(&token).await.unwrap().unwrap();
        assert_eq!(found.life().status(now), KeyStatus::Revoked);
        assert_eq!(
            store
                .integration_keys(team.organization)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(store.statistics().cached_keys, 0);
    }
    assert_eq!(fixture.actions(team).await, ["key.revoke"]);
}

async fn a_key_is_revoked_once(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (key, token) = (fixture.automation_key(team), fixture.token_hash());
    let key_ref = KeyRef::Automation(key.id);
    let store = &fixture.store;
    store
        .create_automation_key(key, token, vec![])
        .await
        .unwrap();
    let first = fixture.clock.now();
    for _ in 0..2 {
        let now = fixture.clock.now();
        assert!(
            store
                .revoke_key(
                    team.organization,
                    key_ref,
                    now,
                    vec![fixture.event(team, "key.revoke")]
                )
                .await
                .unwrap()
        );
        fixture.clock.advance(Duration::from_secs(1));
    }
    let found = store.find_key(&token).await.unwrap().unwrap();
    assert_eq!(found.life().revoked_at, Some(first));
    assert_eq!(fixture.actions(team).await, ["key.revoke"]);
}

async fn only_the_own_organization_revokes(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let (key, token) = (fixture.integration_key(team), fixture.token_hash());
    let own = KeyRef::Integration(key.id);
    let unknown = KeyRef::Integration(IntegrationKeyId::new(&*fixture.clock, &*fixture.entropy));
    let store = &fixture.store;
    store
        .create_integration_key(key.clone(), token, vec![])
        .await
        .unwrap();
    let now = fixture.clock.now();
    for (organization, key_ref) in [(other.organization, own), (team.organization, unknown)] {
        let event = fixture.event(team, "key.revoke");
        assert!(
            !store
                .revoke_key(organization, key_ref, now, vec![event])
                .await
                .unwrap()
        );
    }
    let found = store.find_key(&token).await.unwrap().unwrap();
    assert_eq!(*found, KeyRecord::Integration(key));
    assert_eq!(fixture.actions(team).await, [""; 0]);
}

async fn nobody_who_asks_after_the_answer_sees_it_active(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    for _ in 0..20 {
        let (key, token) = (fixture.integration_key(team), fixture.token_hash());
        let key_ref = KeyRef::Integration(key.id);
        fixture
            .store
            .create_integration_key(key, token, vec![])
            .await
            .unwrap();
        let (answered, late_asks) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let askers: Vec<_> = (0..8)
            .map(|_| {
                let (store, answered) = (fixture.store.clone(), Arc::clone(&answered));
                let late_asks = Arc::clone(&late_asks);
                tokio::spawn(async move {
                    while late_asks.load(Ordering::SeqCst) < 32 {
                        let after_the_answer = answered.load(Ordering::SeqCst);
                        let found = store.find_key(&token).await.unwrap().unwrap();
                        if after_the_answer {
                            assert!(found.life().revoked_at.is_some());
                            late_asks.fetch_add(1, Ordering::SeqCst);
                        }
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        let now = fixture.clock.now();
        let revoked = fixture
            .store
            .revoke_key(team.organization, key_ref, now, vec![]);
        assert!(revoked.await.unwrap());
        answered.store(true, Ordering::SeqCst);
        for asker in askers {
            asker.await.unwrap();
        }
    }
}
