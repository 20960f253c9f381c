//! What people see of keys.

use std::time::Duration;

use reoclo_domain::{Clock, KeyKind, KeyStatus, Role, UserId};
use reoclo_store::{ActiveKeyQuery, KeyDetails, KeyQuery, KeyRecord, KeyRef, KeyUse, LastUse};
use uuid::Uuid;

use crate::fixture::{Fixture, Team};

contract![
    a_list_is_of_one_kind_and_organization_newest_first,
    a_list_is_read_in_pages,
    a_list_is_filtered_by_status_label_and_creator,
    active_keys_are_counted_and_those_that_expire_soon_are_listed,
    details_say_who_made_a_key_and_whether_they_are_still_there,
    details_say_when_a_key_was_used_last,
];

fn query(kind: KeyKind) -> KeyQuery {
    KeyQuery {
        kind,
        creator: None,
        status: None,
        search: None,
        before: None,
        limit: 1000,
    }
}

/// Creates integration keys with these labels, a second apart.
async fn create(fixture: &Fixture, team: Team, creator: UserId, labels: &[&str]) -> Vec<KeyRef> {
    let mut created = Vec::new();
    for label in labels {
        let mut key = fixture.integration_key(team);
        key.label = (*label).into();
        key.creator = creator;
        created.push(KeyRef::Integration(key.id));
        let token = fixture.token_hash();
        let stored = fixture.store.create_integration_key(key, token, vec![]);
        stored.await.unwrap();
        fixture.clock.advance(Duration::from_secs(1));
    }
    created
}

fn labels(keys: &[KeyDetails]) -> Vec<&str> {
    keys.iter().map(|details| details.key.label()).collect()
}

async fn a_list_is_of_one_kind_and_organization_newest_first(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    create(&fixture, team, team.admin, &["first", "second"]).await;
    create(&fixture, other, other.admin, &["foreign"]).await;
    let automation = fixture.automation_key(team);
    let token = fixture.token_hash();
    store
        .create_automation_key(automation.clone(), token, vec![])
        .await
        .unwrap();
    let integration = query(KeyKind::Integration);
    let listed = store.list_keys(team.organization, &integration).await;
    assert_eq!(labels(&listed.unwrap()), ["second", "first"]);
    let listed = store
        .list_keys(team.organization, &query(KeyKind::Automation))
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].key, KeyRecord::Automation(automation));
}

async fn a_list_is_read_in_pages(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    create(&fixture, team, team.admin, &["1", "2", "3", "4", "5"]).await;
    let mut seen = Vec::new();
    let mut before: Option<Uuid> = None;
    loop {
        let page = KeyQuery {
            before,
            limit: 2,
            ..query(KeyKind::Integration)
        };
        let page = fixture.store.list_keys(team.organization, &page).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.key.key_ref().as_uuid());
        seen.extend(labels(&page).into_iter().map(str::to_owned));
        // What is added meanwhile does not move the pages.
        create(&fixture, team, team.admin, &["late"]).await;
    }
    assert_eq!(seen, ["5", "4", "3", "2", "1"]);
}

async fn a_list_is_filtered_by_status_label_and_creator(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let store = &fixture.store;
    let bob = fixture.new_user("bob@zoo.example");
    let bob_id = bob.id;
    store
        .create_user(bob, team.organization, Role::Developer, vec![])
        .await
        .unwrap();
    let admins = create(
        &fixture,
        team,
        team.admin,
        &["Laptop", "100%_sure!", "over"],
    )
    .await;
    let bobs = create(&fixture, team, bob_id, &["laptop of Bob", "Übung"]).await;
    let now = fixture.clock.now();
    let (organization, expired) = (team.organization, Some(now));
    let revoked = store.revoke_key(organization, bobs[0], now, vec![]);
    assert!(revoked.await.unwrap());
    let changed = store.expire_key(organization, admins[2], expired, vec![]);
    assert!(changed.await.unwrap());

    let all = query(KeyKind::Integration);
    let search = |text: &str| KeyQuery {
        search: Some(text.into()),
        ..all.clone()
    };
    let status = |status| KeyQuery {
        status: Some((status, now)),
        ..all.clone()
    };
    let of_bob = KeyQuery {
        creator: Some(bob_id),
        ..all.clone()
    };
    for (query, expected) in [
        (search("LAPTOP"), &["laptop of Bob", "Laptop"][..]),
        (search("0%_s"), &["100%_sure!"]),
        (search("e!"), &["100%_sure!"]),
        (search("%"), &["100%_sure!"]),
        (search("Üb"), &["Übung"]),
        (
            search("RK_T_abcdefg"),
            &["Übung", "laptop of Bob", "over", "100%_sure!", "Laptop"],
        ),
        (search("rk-t-abcdefg"), &[]),
        (status(KeyStatus::Revoked), &["laptop of Bob"]),
        (status(KeyStatus::Expired), &["over"]),
        (
            status(KeyStatus::Active),
            &["Übung", "100%_sure!", "Laptop"],
        ),
        (of_bob, &["Übung", "laptop of Bob"]),
    ] {
        let listed = store.list_keys(organization, &query).await.unwrap();
        assert_eq!(labels(&listed), expected, "{query:?}");
    }
}

async fn active_keys_are_counted_and_those_that_expire_soon_are_listed(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let store = &fixture.store;
    let bob = fixture.new_user("bob@zoo.example");
    let bob_id = bob.id;
    store
        .create_user(bob, team.organization, Role::Developer, vec![])
        .await
        .unwrap();
    create(&fixture, other, other.admin, &["foreign"]).await;
    create(&fixture, team, bob_id, &["without an end"]).await;
    let now = fixture.clock.now();
    let ends = [
        ("late", 9),
        ("over", 0),
        ("soon", 2),
        ("revoked", 1),
        ("sooner", 1),
    ];
    for (label, seconds) in ends {
        let mut key = fixture.integration_key(team);
        key.label = label.into();
        key.life.expires_at = Some(now.plus(Duration::from_secs(seconds)));
        let id = KeyRef::Integration(key.id);
        let token = fixture.token_hash();
        let stored = store.create_integration_key(key, token, vec![]);
        stored.await.unwrap();
        if label == "revoked" {
            let revoked = store.revoke_key(team.organization, id, now, vec![]);
            revoked.await.unwrap();
        }
    }
    let query = ActiveKeyQuery {
        kind: KeyKind::Integration,
        creator: None,
        at: now,
        expiring_until: now.plus(Duration::from_secs(2)),
        limit: 10,
    };
    let active = store.active_keys(team.organization, &query).await.unwrap();
    assert_eq!(active.count, 4);
    assert_eq!(labels(&active.expiring), ["sooner", "soon"]);
    let of_bob = ActiveKeyQuery {
        creator: Some(bob_id),
        ..query
    };
    let active = store.active_keys(team.organization, &of_bob).await.unwrap();
    assert_eq!((active.count, active.expiring.len()), (1, 0));
    let first = ActiveKeyQuery { limit: 1, ..query };
    let active = store.active_keys(team.organization, &first).await.unwrap();
    assert_eq!(labels(&active.expiring), ["sooner"]);
    let automation = ActiveKeyQuery {
        kind: KeyKind::Automation,
        ..query
    };
    let active = store.active_keys(team.organization, &automation).await;
    assert_eq!(active.unwrap().count, 0);
}

async fn details_say_who_made_a_key_and_whether_they_are_still_there(fixture: Fixture) {
    let (team, other) = (fixture.team("zoo").await, fixture.team("ape").await);
    let (store, organization) = (&fixture.store, team.organization);
    let bob = fixture.new_user("bob@zoo.example");
    let id = bob.id;
    let created = store.create_user(bob, organization, Role::Manager, vec![]);
    created.await.unwrap();
    let mut key = fixture.automation_key(team);
    key.creator = id;
    let key_ref = KeyRef::Automation(key.id);
    let token = fixture.token_hash();
    let stored = store.create_automation_key(key, token, vec![]);
    stored.await.unwrap();

    let found = store.key_details(organization, key_ref).await.unwrap();
    let creator = found.unwrap().creator;
    assert_eq!(creator.id, id);
    assert_eq!(creator.email.as_deref(), Some("bob@zoo.example"));
    assert_eq!(creator.name.as_deref(), Some("Ada"));
    assert_eq!(creator.role, Some(Role::Manager));
    // A role elsewhere is none here.
    let gone = store.set_role(organization, id, None, vec![]);
    gone.await.unwrap();
    let elsewhere = store.create_member(other.organization, id, Role::Admin, vec![]);
    elsewhere.await.unwrap();
    let found = store.key_details(organization, key_ref).await.unwrap();
    assert_eq!(found.unwrap().creator.role, None);
    let automation = query(KeyKind::Automation);
    let listed = store.list_keys(organization, &automation).await;
    assert_eq!(listed.unwrap()[0].creator.role, None);

    let foreign = store.key_details(other.organization, key_ref).await;
    assert_eq!(foreign.unwrap(), None);
}

async fn details_say_when_a_key_was_used_last(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let (store, organization) = (&fixture.store, team.organization);
    let key = create(&fixture, team, team.admin, &["laptop"]).await[0];
    let last_use = async || {
        let details = store.key_details(organization, key).await.unwrap();
        details.unwrap().last_use
    };
    assert_eq!(last_use().await, None);
    let (at, ip) = (fixture.clock.now(), "2001:db8::1".parse().unwrap());
    let user_agent = String::from("curl/8");
    let key_use = KeyUse {
        key,
        at,
        ip,
        user_agent: user_agent.clone(),
        count: 1,
    };
    store.record_key_uses(vec![key_use]).await.unwrap();
    assert_eq!(last_use().await, Some(LastUse { at, ip, user_agent }));
}
