//! Last use, and use by address and day.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use reoclo_domain::{AutomationKeyId, Clock, Timestamp};
use reoclo_store::{AddressUsage, KEPT_USE_DAYS, KeyRef, KeyUse, LastUse, MAX_ADDRESSES_A_DAY};

use crate::fixture::{Fixture, Team};

contract![
    uses_are_counted_by_address,
    a_late_report_does_not_hide_a_newer_use,
    uses_of_unknown_keys_are_ignored,
    only_the_own_organization_sees_them,
    exactly_the_last_90_days_count,
    days_that_are_over_are_forgotten,
    addresses_beyond_the_limit_of_a_day_are_counted_together,
    uses_that_were_counted_without_days_are_carried_over,
];

const DAY: Duration = Duration::from_hours(24);

fn key_use(key: KeyRef, at: Timestamp, ip: &str, count: i64) -> KeyUse {
    KeyUse {
        key,
        at,
        ip: ip.parse().unwrap(),
        user_agent: format!("curl from {ip}"),
        count,
    }
}

async fn key(fixture: &Fixture) -> (Team, KeyRef) {
    let team = fixture.team("zoo").await;
    let key = fixture.automation_key(team);
    let key_ref = KeyRef::Automation(key.id);
    let token = fixture.token_hash();
    fixture
        .store
        .create_automation_key(key, token, vec![])
        .await
        .unwrap();
    (team, key_ref)
}

async fn usage(fixture: &Fixture, team: Team, key: KeyRef) -> Vec<AddressUsage> {
    let now = fixture.clock.now();
    let usage = fixture.store.key_usage(team.organization, key, now);
    usage.await.unwrap()
}

async fn last_use(fixture: &Fixture, team: Team, key: KeyRef) -> Option<LastUse> {
    let details = fixture.store.key_details(team.organization, key);
    details.await.unwrap().unwrap().last_use
}

fn counts(usage: &[AddressUsage]) -> Vec<(String, i64)> {
    let ip = |usage: &AddressUsage| usage.ip.map_or_else(String::new, |ip| ip.to_string());
    usage.iter().map(|one| (ip(one), one.count)).collect()
}

async fn uses_are_counted_by_address(fixture: Fixture) {
    let ((team, key), store) = (key(&fixture).await, &fixture.store);
    assert_eq!(usage(&fixture, team, key).await, []);
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
        key_use(key, later.plus(Duration::from_secs(1)), "2001:db8::1", 2),
    ];
    store.record_key_uses(uses).await.unwrap();
    let usage = usage(&fixture, team, key).await;
    let expected = [("2001:db8::1".to_owned(), 2), ("192.0.2.1".to_owned(), 4)];
    assert_eq!(counts(&usage), expected);
    assert_eq!(
        (usage[1].first_used_at, usage[1].last_used_at),
        (first, later)
    );
    assert_eq!(usage[1].user_agent, "curl from 192.0.2.1");
}

async fn a_late_report_does_not_hide_a_newer_use(fixture: Fixture) {
    let ((team, key), store) = (key(&fixture).await, &fixture.store);
    let (first, later) = (
        fixture.clock.now(),
        fixture.clock.now().plus(Duration::from_secs(1)),
    );
    for (at, agent) in [(later, "new"), (first, "old")] {
        let late = KeyUse {
            user_agent: agent.into(),
            ..key_use(key, at, "192.0.2.2", 1)
        };
        store.record_key_uses(vec![late]).await.unwrap();
    }
    store
        .record_key_uses(vec![key_use(key, first, "192.0.2.1", 1)])
        .await
        .unwrap();
    let last = last_use(&fixture, team, key).await.unwrap();
    assert_eq!((last.at, last.user_agent.as_str()), (later, "new"));
    assert_eq!(last.ip, IpAddr::from([192, 0, 2, 2]));
    let usage = usage(&fixture, team, key).await;
    let shown = &usage[0];
    assert_eq!((shown.first_used_at, shown.last_used_at), (first, later));
    assert_eq!((shown.user_agent.as_str(), shown.count), ("new", 2));
}

async fn uses_of_unknown_keys_are_ignored(fixture: Fixture) {
    let ((team, key), store) = (key(&fixture).await, &fixture.store);
    let now = fixture.clock.now();
    let unknown = KeyRef::Automation(AutomationKeyId::new(&*fixture.clock, &*fixture.entropy));
    let uses = vec![
        key_use(unknown, now, "192.0.2.1", 1),
        key_use(key, now, "192.0.2.1", 1),
    ];
    store.record_key_uses(uses).await.unwrap();
    assert_eq!(usage(&fixture, team, unknown).await, []);
    assert!(last_use(&fixture, team, key).await.is_some());
}

async fn only_the_own_organization_sees_them(fixture: Fixture) {
    let ((team, key), other) = (key(&fixture).await, fixture.team("ape").await);
    let now = fixture.clock.now();
    let uses = vec![key_use(key, now, "192.0.2.1", 1)];
    fixture.store.record_key_uses(uses).await.unwrap();
    assert_eq!(usage(&fixture, team, key).await.len(), 1);
    assert_eq!(usage(&fixture, other, key).await, []);
    let wrong_kind = fixture.integration_key(team).id;
    assert_eq!(
        usage(&fixture, team, KeyRef::Integration(wrong_kind)).await,
        []
    );
}

async fn exactly_the_last_90_days_count(fixture: Fixture) {
    let ((team, key), store) = (key(&fixture).await, &fixture.store);
    let first = fixture.clock.now();
    for day in 0..100 {
        let at = fixture.clock.now();
        let ip = if day % 2 == 0 {
            "192.0.2.1"
        } else {
            "192.0.2.2"
        };
        let agent = KeyUse {
            user_agent: format!("agent {day}"),
            ..key_use(key, at, ip, 1)
        };
        store.record_key_uses(vec![agent]).await.unwrap();
        fixture.clock.advance(DAY);
    }
    // The day of the last use is yesterday, so 89 of the days have a use.
    let usage = usage(&fixture, team, key).await;
    let expected = [("192.0.2.2".to_owned(), 45), ("192.0.2.1".to_owned(), 44)];
    assert_eq!(counts(&usage), expected);
    assert_eq!(usage[0].first_used_at, first.plus(DAY * 11));
    assert_eq!(usage[0].last_used_at, first.plus(DAY * 99));
    assert_eq!(usage[0].user_agent, "agent 99");
    assert_eq!(usage[1].user_agent, "agent 98");
}

async fn days_that_are_over_are_forgotten(fixture: Fixture) {
    let ((_, key), store) = (key(&fixture).await, &fixture.store);
    for _ in 0..3 {
        let uses = vec![key_use(key, fixture.clock.now(), "192.0.2.1", 1)];
        store.record_key_uses(uses).await.unwrap();
        fixture.clock.advance(DAY);
    }
    let kept = u32::try_from(KEPT_USE_DAYS).unwrap();
    fixture.clock.advance(DAY * (kept - 2));
    let uses = vec![key_use(key, fixture.clock.now(), "192.0.2.1", 1)];
    store.record_key_uses(uses).await.unwrap();
    assert_eq!(rows(&fixture).await, 2, "of the third day and of today");
}

async fn rows(fixture: &Fixture) -> i64 {
    let counted = sqlx::query_scalar("SELECT COUNT(*) FROM key_use_days");
    let mut connection = fixture.database.connect().await;
    counted.fetch_one(&mut connection).await.unwrap()
}

async fn addresses_beyond_the_limit_of_a_day_are_counted_together(fixture: Fixture) {
    let ((team, key), store) = (key(&fixture).await, &fixture.store);
    let now = fixture.clock.now();
    let address = |number: u32| IpAddr::V4(Ipv4Addr::from(number)).to_string();
    let uses = |numbers: std::ops::Range<u32>| {
        numbers
            .map(|number| key_use(key, now, &address(number), 1))
            .collect()
    };
    let recorded = store.record_key_uses(uses(0..MAX_ADDRESSES_A_DAY + 5));
    recorded.await.unwrap();
    // Those that have a row go on to have one, and the others do not get one.
    let more = uses(MAX_ADDRESSES_A_DAY - 1..MAX_ADDRESSES_A_DAY + 1);
    store.record_key_uses(more).await.unwrap();
    assert_eq!(rows(&fixture).await, i64::from(MAX_ADDRESSES_A_DAY) + 1);
    let usage = usage(&fixture, team, key).await;
    let others: Vec<_> = usage.iter().filter(|one| one.ip.is_none()).collect();
    assert_eq!(others.len(), 1);
    assert_eq!(others[0].count, 6);
    let twice = address(MAX_ADDRESSES_A_DAY - 1).parse().ok();
    assert!(usage.iter().any(|one| one.ip == twice && one.count == 2));

    fixture.clock.advance(DAY);
    let late = key_use(key, fixture.clock.now(), &address(MAX_ADDRESSES_A_DAY), 1);
    store.record_key_uses(vec![late]).await.unwrap();
    assert_eq!(rows(&fixture).await, i64::from(MAX_ADDRESSES_A_DAY) + 2);
}

/// Makes the database what it was before the sixth migration, and opens it again.
async fn uses_that_were_counted_without_days_are_carried_over(fixture: Fixture) {
    let (team, key) = key(&fixture).await;
    fixture.store.close().await;
    let (first, last) = (
        fixture.clock.now(),
        fixture.clock.now().plus(Duration::from_hours(30)),
    );
    let mut connection = fixture.database.connect().await;
    for statement in [
        "DELETE FROM _sqlx_migrations WHERE version = 6".to_owned(),
        "DROP TABLE key_use_days".to_owned(),
        "DROP INDEX api_keys_organization".to_owned(),
        "CREATE INDEX api_keys_organization ON api_keys (organization_id, kind, created_at)"
            .to_owned(),
        "CREATE TABLE key_uses (
            key_id TEXT NOT NULL REFERENCES api_keys (id), ip TEXT NOT NULL, uses BIGINT NOT NULL,
            first_used_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, user_agent TEXT NOT NULL,
            PRIMARY KEY (key_id, ip))"
            .to_owned(),
        format!(
            "INSERT INTO key_uses VALUES ('{}', '192.0.2.1', 7, {}, {}, 'curl')",
            key.as_uuid(),
            first.as_micros(),
            last.as_micros()
        ),
    ] {
        let statement = sqlx::query(sqlx::AssertSqlSafe(statement));
        statement.execute(&mut connection).await.unwrap();
    }
    drop(connection);
    let later = fixture.reopened().await;
    let usage = later.key_usage(team.organization, key, last).await.unwrap();
    let carried = AddressUsage {
        ip: Some([192, 0, 2, 1].into()),
        user_agent: "curl".into(),
        count: 7,
        first_used_at: first,
        last_used_at: last,
    };
    assert_eq!(usage, [carried]);
    let forgotten = last.plus(DAY * u32::try_from(KEPT_USE_DAYS).unwrap());
    let usage = later.key_usage(team.organization, key, forgotten).await;
    assert_eq!(usage.unwrap(), []);
}
