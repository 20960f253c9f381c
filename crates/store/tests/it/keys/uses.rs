//! Last use.

use std::time::Duration;

use reoclo_domain::{AutomationKeyId, Clock, Timestamp};
use reoclo_store::{KeyRef, KeyUse};

use crate::fixture::Fixture;

contract![
    uses_are_counted_over_all_addresses,
    a_late_report_does_not_hide_a_newer_use,
    uses_of_unknown_keys_are_ignored,
];

fn key_use(key: KeyRef, at: Timestamp, ip: &str, count: i64) -> KeyUse {
    KeyUse {
        key,
        at,
        ip: ip.parse().unwrap(),
        user_agent: format!("curl from {ip}"),
        count,
    }
}

async fn key(fixture: &Fixture) -> KeyRef {
    let team = fixture.team("zoo").await;
    let key = fixture.automation_key(team);
    let key_ref = KeyRef::Automation(key.id);
    let token = fixture.token_hash();
    fixture
        .store
        .create_automation_key(key, token, vec![])
        .await
        .unwrap();
    key_ref
}

async fn uses_are_counted_over_all_addresses(fixture: Fixture) {
    let (key, store) = (key(&fixture).await, &fixture.store);
    assert_eq!(store.key_last_use(key).await.unwrap(), None);
    let (first, later) = (
        fixture.clock.now(),
        fixture.clock.now().plus(Duration::from_secs(1)),
    );
    store.record_key_uses(vec![]).await.unwrap();
    store
        .record_key_uses(vec![key_use(key, first, "192.0.2.1", 3)])
        .await
        .unwrap();
    let uses = vec![
        key_use(key, later, "192.0.2.1", 1),
        key_use(key, later, "2001:db8::1", 2),
    ];
    store.record_key_uses(uses).await.unwrap();
    let last = key_use(key, later, "2001:db8::1", 6);
    assert_eq!(store.key_last_use(key).await.unwrap(), Some(last));
}

async fn a_late_report_does_not_hide_a_newer_use(fixture: Fixture) {
    let (key, store) = (key(&fixture).await, &fixture.store);
    let (first, later) = (
        fixture.clock.now(),
        fixture.clock.now().plus(Duration::from_secs(1)),
    );
    store
        .record_key_uses(vec![key_use(key, later, "192.0.2.2", 1)])
        .await
        .unwrap();
    store
        .record_key_uses(vec![key_use(key, first, "192.0.2.1", 1)])
        .await
        .unwrap();
    let last = key_use(key, later, "192.0.2.2", 2);
    assert_eq!(store.key_last_use(key).await.unwrap(), Some(last));
}

async fn uses_of_unknown_keys_are_ignored(fixture: Fixture) {
    let (key, store) = (key(&fixture).await, &fixture.store);
    let now = fixture.clock.now();
    let unknown = KeyRef::Automation(AutomationKeyId::new(&*fixture.clock, &*fixture.entropy));
    let uses = vec![
        key_use(unknown, now, "192.0.2.1", 1),
        key_use(key, now, "192.0.2.1", 1),
    ];
    store.record_key_uses(uses).await.unwrap();
    assert_eq!(store.key_last_use(unknown).await.unwrap(), None);
    assert!(store.key_last_use(key).await.unwrap().is_some());
}
