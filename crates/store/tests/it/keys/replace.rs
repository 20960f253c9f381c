//! Replacing: the new one for the old one, or nothing.

use reoclo_domain::{Clock, KeyStatus};
use reoclo_store::{KeyRef, NewKey, Revoked, StoreError};

use crate::fixture::{Fixture, Team};

contract![
    one_takes_the_place_of_the_other,
    a_revoked_or_unknown_key_is_not_replaced,
    a_replacement_that_cannot_be_stored_leaves_the_old_one,
];

async fn old_key(fixture: &Fixture, team: Team) -> (KeyRef, reoclo_domain::TokenHash) {
    let (key, token) = (fixture.automation_key(team), fixture.token_hash());
    let key_ref = KeyRef::Automation(key.id);
    let created = fixture.store.create_automation_key(key, token, vec![]);
    created.await.unwrap();
    (key_ref, token)
}

async fn one_takes_the_place_of_the_other(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (old, old_token) = old_key(&fixture, team).await;
    let (key, token) = (fixture.automation_key(team), fixture.token_hash());
    let new = NewKey::Automation(key.clone(), token);
    let events = ["key.replace", "key.duplicate"].map(|action| fixture.event(team, action));
    let now = fixture.clock.now();
    let (store, events) = (&fixture.store, events.to_vec());
    let replaced = store.replace_key(team.organization, old, now, new, None, events);
    assert_eq!(replaced.await.unwrap(), Revoked::Now);
    for store in [store, &fixture.reopened().await] {
        let found = store.find_key(&old_token).await.unwrap().unwrap();
        assert_eq!(found.life().status(now), KeyStatus::Revoked);
        let found = store.find_key(&token).await.unwrap().unwrap();
        assert_eq!(found.key_ref(), KeyRef::Automation(key.id));
        assert_eq!(found.life().status(now), KeyStatus::Active);
    }
    assert_eq!(
        fixture.actions(team).await,
        ["key.replace", "key.duplicate"]
    );
}

async fn a_revoked_or_unknown_key_is_not_replaced(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let (old, old_token) = old_key(&fixture, team).await;
    let (store, now) = (&fixture.store, fixture.clock.now());
    let (wrong_kind, unknown) = (fixture.integration_key(team), fixture.automation_key(team));
    let attempts = [
        (other.organization, old, Revoked::Unknown),
        (
            team.organization,
            KeyRef::Integration(wrong_kind.id),
            Revoked::Unknown,
        ),
        (
            team.organization,
            KeyRef::Automation(unknown.id),
            Revoked::Unknown,
        ),
        (team.organization, old, Revoked::Before),
    ];
    for (organization, key, expected) in attempts {
        if expected == Revoked::Before {
            let found = store.find_key(&old_token).await.unwrap().unwrap();
            assert_eq!(found.life().status(now), KeyStatus::Active);
            let revoked = store.revoke_key(organization, key, now, vec![]);
            assert!(revoked.await.unwrap());
        }
        let token = fixture.token_hash();
        let new = NewKey::Automation(fixture.automation_key(team), token);
        let events = vec![fixture.event(team, "key.replace")];
        let replaced = store
            .replace_key(organization, key, now, new, None, events)
            .await;
        assert_eq!(replaced.unwrap(), expected);
        assert_eq!(store.find_key(&token).await.unwrap(), None);
    }
    assert_eq!(fixture.actions(team).await, [""; 0]);
}

async fn a_replacement_that_cannot_be_stored_leaves_the_old_one(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (old, old_token) = old_key(&fixture, team).await;
    let (store, now) = (&fixture.store, fixture.clock.now());
    // The token is taken.
    let new = NewKey::Automation(fixture.automation_key(team), old_token);
    let events = vec![fixture.event(team, "key.replace")];
    let replaced = store.replace_key(team.organization, old, now, new, None, events);
    assert!(matches!(replaced.await, Err(StoreError::Conflict(_))));
    let found = store.find_key(&old_token).await.unwrap().unwrap();
    assert_eq!(
        (found.key_ref(), found.life().status(now)),
        (old, KeyStatus::Active)
    );
    assert_eq!(fixture.actions(team).await, [""; 0]);
}
