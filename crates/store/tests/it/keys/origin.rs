//! Where keys come from, and what became of them.

use reoclo_domain::{Clock, KeyKind};
use reoclo_store::{Conflict, KeyOrigin, KeyRef, NewKey, Revoked, StoreError};

use crate::fixture::Fixture;

contract![
    a_form_makes_one_key_of_an_organization,
    copies_and_successors_tell_of_each_other,
];

async fn a_form_makes_one_key_of_an_organization(fixture: Fixture) {
    let (ours, theirs) = (fixture.team("ours").await, fixture.team("theirs").await);
    let store = &fixture.store;
    let origin = KeyOrigin {
        form: Some("a form".into()),
        ..KeyOrigin::default()
    };
    let first = fixture.automation_key(ours);
    let key = NewKey::Automation(first.clone(), fixture.token_hash());
    let made = store.create_key_from(key, origin.clone(), vec![]);
    made.await.unwrap();
    let again = NewKey::Automation(fixture.automation_key(ours), fixture.token_hash());
    let event = fixture.event(ours, "key.create");
    let made = store
        .create_key_from(again, origin.clone(), vec![event])
        .await;
    assert!(matches!(made, Err(StoreError::Conflict(Conflict::Exists))));
    assert!(fixture.actions(ours).await.is_empty());

    let (automation, integration) = (KeyKind::Automation, KeyKind::Integration);
    let found = store.key_of_form(ours.organization, automation, "a form");
    assert_eq!(found.await.unwrap(), Some(KeyRef::Automation(first.id)));
    for (organization, kind, form) in [
        (theirs.organization, automation, "a form"),
        (ours.organization, integration, "a form"),
        (ours.organization, automation, "another"),
    ] {
        let found = store.key_of_form(organization, kind, form);
        assert_eq!(found.await.unwrap(), None);
    }
    let other = NewKey::Automation(fixture.automation_key(theirs), fixture.token_hash());
    let made = store.create_key_from(other, origin, vec![]);
    made.await.unwrap();
    // Keys without a form are as many as one likes.
    for _ in 0..2 {
        let key = NewKey::Automation(fixture.automation_key(ours), fixture.token_hash());
        store.create_keys(vec![key], vec![]).await.unwrap();
    }
}

async fn copies_and_successors_tell_of_each_other(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (store, now) = (&fixture.store, fixture.clock.now());
    let [old, copy, new] = [(); 3].map(|()| fixture.automation_key(team));
    let [old_ref, copy_ref, new_ref] = [&old, &copy, &new].map(|key| KeyRef::Automation(key.id));
    let key = |key| NewKey::Automation(key, fixture.token_hash());
    store.create_keys(vec![key(old)], vec![]).await.unwrap();
    let origin = KeyOrigin {
        copy_of: Some(old_ref),
        ..KeyOrigin::default()
    };
    let made = store.create_key_from(key(copy), origin, vec![]);
    made.await.unwrap();
    let replaced = store.replace_key(team.organization, old_ref, now, key(new), None, vec![]);
    assert_eq!(replaced.await.unwrap(), Revoked::Now);
    let kin = async |key| {
        let found = store.key_details(team.organization, key).await;
        let kin = found.unwrap().unwrap().kin;
        [kin.copy_of, kin.replaces, kin.replaced_by].map(|kin| kin.map(|kin| kin.id))
    };
    let (old, new) = (old_ref.as_uuid(), new_ref.as_uuid());
    assert_eq!(kin(old_ref).await, [None, None, Some(new)]);
    assert_eq!(kin(copy_ref).await, [Some(old), None, None]);
    assert_eq!(kin(new_ref).await, [None, Some(old), None]);
}
