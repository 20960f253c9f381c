//! Pages of the audit log.

use std::time::Duration;

use reoclo_domain::{Clock, Timestamp};
use reoclo_store::{
    Actor, ActorKind, AuditActor, AuditFilter, AuditOutcome, AuditPage, AuditQuery, NewAuditEvent,
    RequestSource, Resource,
};

use crate::fixture::{Fixture, Team};

contract![
    pages_are_newest_first_and_end,
    pages_do_not_move_when_rows_are_added,
    every_filter_takes_its_rows_and_no_others,
    filters_narrow_each_other,
    the_total_counts_what_the_filter_fits,
    a_total_that_is_bounded_bounds_nothing_else,
    a_person_comes_with_the_address_of_today,
    another_organization_has_other_pages,
    an_empty_log_is_an_empty_page,
];

fn all(limit: i64) -> AuditQuery {
    AuditQuery {
        filter: AuditFilter::default(),
        as_of: None,
        before_seq: None,
        offset: 0,
        limit,
        most_counted: None,
    }
}

async fn page(fixture: &Fixture, team: Team, query: &AuditQuery) -> AuditPage {
    let page = fixture.store.audit_page(team.organization, query).await;
    page.unwrap()
}

fn seqs(page: &AuditPage) -> Vec<i64> {
    page.items.iter().map(|item| item.row.seq).collect()
}

async fn append(fixture: &Fixture, team: Team, rows: usize) {
    let events = (0..rows).map(|_| fixture.event(team, "touch")).collect();
    fixture.store.append_audit(events).await.unwrap();
}

async fn pages_are_newest_first_and_end(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    append(&fixture, team, 5).await;
    let first = page(&fixture, team, &all(2)).await;
    assert_eq!(seqs(&first), [5, 4]);
    assert_eq!((first.total, first.as_of, first.has_more), (5, 5, true));
    for (offset, expected, has_more) in [
        (2, vec![3, 2], true),
        (4, vec![1], false),
        (6, vec![], false),
    ] {
        let query = AuditQuery { offset, ..all(2) };
        let page = page(&fixture, team, &query).await;
        assert_eq!((seqs(&page), page.has_more), (expected, has_more));
    }
    let mut before = None;
    let mut seen = Vec::new();
    loop {
        let query = AuditQuery {
            before_seq: before,
            ..all(2)
        };
        let page = page(&fixture, team, &query).await;
        seen.extend(seqs(&page));
        assert_eq!(page.total, 5);
        before = seen.last().copied();
        if !page.has_more {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

async fn pages_do_not_move_when_rows_are_added(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    append(&fixture, team, 4).await;
    let first = page(&fixture, team, &all(2)).await;
    append(&fixture, team, 3).await;
    let second = AuditQuery {
        as_of: Some(first.as_of),
        offset: 2,
        ..all(2)
    };
    let second = page(&fixture, team, &second).await;
    assert_eq!(seqs(&second), [2, 1]);
    assert_eq!((second.total, second.as_of, second.has_more), (4, 4, false));
    let from_the_future = AuditQuery {
        as_of: Some(i64::MAX),
        ..all(1)
    };
    assert_eq!(page(&fixture, team, &from_the_future).await.as_of, 7);
}

/// Rows that differ in everything that can be asked for.
async fn varied(fixture: &Fixture, team: Team) -> Vec<NewAuditEvent> {
    let mut events = Vec::new();
    for number in 0..4_u8 {
        fixture.clock.advance(Duration::from_secs(1));
        let event = fixture.event(team, "touch");
        events.push(NewAuditEvent {
            source: RequestSource {
                ip: Some(std::net::IpAddr::from([192, 0, 2, number])),
                ..event.source
            },
            outcome: AuditOutcome::ALL[usize::from(number)],
            resource: Resource {
                kind: ["server", "key", "server", "user"][usize::from(number)],
                id: Some(number.to_string()),
                name: None,
            },
            action: ["a", "b", "c", "d"][usize::from(number)],
            ..event
        });
    }
    let key = fixture.integration_key(team).id.as_uuid();
    events[1].actor = Actor {
        kind: ActorKind::IntegrationKey,
        id: Some(key),
        label: "laptop".into(),
    };
    events[3].actor = Actor::system();
    fixture.store.append_audit(events.clone()).await.unwrap();
    events
}

/// A filter with some of its fields set.
fn by(set: impl FnOnce(&mut AuditFilter)) -> AuditFilter {
    let mut filter = AuditFilter::default();
    set(&mut filter);
    filter
}

async fn expect(fixture: &Fixture, team: Team, cases: Vec<(AuditFilter, &[i64])>) {
    for (filter, expected) in cases {
        let query = AuditQuery { filter, ..all(10) };
        let page = page(fixture, team, &query).await;
        assert_eq!(seqs(&page), expected, "{query:?}");
        assert_eq!(page.total, i64::try_from(expected.len()).unwrap());
        assert_eq!(page.as_of, 4);
    }
}

async fn every_filter_takes_its_rows_and_no_others(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let events = varied(&fixture, team).await;
    let system = AuditActor::Nameless(ActorKind::System);
    let (admin, key) = (team.admin.as_uuid(), events[1].actor.id);
    let outcome = |outcome| by(|it| it.outcome = Some(outcome));
    let cases: Vec<(_, &[i64])> = vec![
        (by(|_| {}), &[4, 3, 2, 1]),
        (by(|it| it.actor = Some(AuditActor::Id(admin))), &[3, 1]),
        (by(|it| it.actor = key.map(AuditActor::Id)), &[2]),
        (by(|it| it.actor = Some(system)), &[4]),
        (by(|it| it.key = key), &[2]),
        (by(|it| it.key = Some(admin)), &[]),
        (by(|it| it.action = Some("c".into())), &[3]),
        (by(|it| it.action = Some("' OR 1 = 1 --".into())), &[]),
        (by(|it| it.resource_kind = Some("server".into())), &[3, 1]),
        (by(|it| it.resource_id = Some("0".into())), &[1]),
        (by(|it| it.ip = "192.0.2.1".parse().ok()), &[2]),
        (outcome(AuditOutcome::Success), &[1]),
        (outcome(AuditOutcome::Failure), &[2]),
        (outcome(AuditOutcome::Refused), &[3]),
        (outcome(AuditOutcome::Intent), &[4]),
    ];
    expect(&fixture, team, cases).await;
}

async fn filters_narrow_each_other(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let events = varied(&fixture, team).await;
    let at = |row: usize| Some(events[row].at);
    let everything = AuditFilter {
        actor: Some(AuditActor::Id(team.admin.as_uuid())),
        key: None,
        action: Some("c".into()),
        resource_kind: Some("server".into()),
        resource_id: Some("2".into()),
        outcome: Some(AuditOutcome::Refused),
        ip: "192.0.2.2".parse().ok(),
        from: at(0),
        to: at(3),
    };
    let nothing = AuditFilter {
        resource_kind: Some("user".into()),
        ..everything.clone()
    };
    let never = Timestamp::from_micros(i64::MAX);
    let cases: Vec<(_, &[i64])> = vec![
        (everything, &[3]),
        (nothing, &[]),
        (by(|it| it.from = at(2)), &[4, 3]),
        (by(|it| it.to = at(1)), &[2, 1]),
        (by(|it| (it.from, it.to) = (at(1), at(2))), &[3, 2]),
        (by(|it| it.from = Some(never)), &[]),
    ];
    expect(&fixture, team, cases).await;
}

async fn the_total_counts_what_the_filter_fits(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    append(&fixture, team, 3).await;
    let other = fixture.event(team, "other");
    fixture.store.append_audit(vec![other]).await.unwrap();
    append(&fixture, team, 3).await;
    let filter = AuditFilter {
        action: Some("touch".into()),
        ..AuditFilter::default()
    };
    let query = AuditQuery { filter, ..all(2) };
    let first = page(&fixture, team, &query).await;
    assert_eq!((seqs(&first), first.total), (vec![7, 6], 6));
    let behind = AuditQuery {
        before_seq: Some(6),
        ..query.clone()
    };
    let second = page(&fixture, team, &behind).await;
    assert_eq!((seqs(&second), second.total), (vec![5, 3], 6));
    let as_it_was = AuditQuery {
        as_of: Some(4),
        ..query
    };
    let earlier = page(&fixture, team, &as_it_was).await;
    assert_eq!((seqs(&earlier), earlier.total), (vec![3, 2], 3));
}

async fn a_total_that_is_bounded_bounds_nothing_else(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    append(&fixture, team, 3).await;
    let other = fixture.event(team, "other");
    fixture.store.append_audit(vec![other]).await.unwrap();
    append(&fixture, team, 3).await;
    let filter = AuditFilter {
        action: Some("touch".into()),
        ..AuditFilter::default()
    };
    for (most, total) in [(0, 1), (2, 3), (5, 6), (6, 6), (7, 6)] {
        let mut query = AuditQuery {
            filter: filter.clone(),
            most_counted: Some(most),
            ..all(4)
        };
        let first = page(&fixture, team, &query).await;
        assert_eq!((seqs(&first), first.total), (vec![7, 6, 5, 3], total));
        assert!(first.has_more);
        query.before_seq = Some(3);
        let second = page(&fixture, team, &query).await;
        assert_eq!((seqs(&second), second.total), (vec![2, 1], total));
        assert!(!second.has_more);
        // Without a filter it follows from the chain, and costs nothing.
        query.filter = AuditFilter::default();
        assert_eq!(page(&fixture, team, &query).await.total, 7);
    }
}

async fn a_person_comes_with_the_address_of_today(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    append(&fixture, team, 1).await;
    let mut event = fixture.event(team, "touch");
    event.actor.kind = ActorKind::AutomationKey;
    fixture.store.append_audit(vec![event]).await.unwrap();
    let page = page(&fixture, team, &all(2)).await;
    let emails: Vec<_> = page
        .items
        .iter()
        .map(|item| item.actor_email.as_deref())
        .collect();
    assert_eq!(emails, [None, Some("admin@zoo.example")]);
}

async fn another_organization_has_other_pages(fixture: Fixture) {
    let (zoo, ape) = (fixture.team("zoo").await, fixture.team("ape").await);
    append(&fixture, zoo, 2).await;
    append(&fixture, ape, 1).await;
    let page_of_ape = page(&fixture, ape, &all(10)).await;
    assert_eq!((seqs(&page_of_ape), page_of_ape.total), (vec![1], 1));
    let row = &page_of_ape.items[0].row;
    assert_eq!(row.organization, Some(ape.organization));
    let filter = AuditFilter {
        actor: Some(AuditActor::Id(zoo.admin.as_uuid())),
        ..AuditFilter::default()
    };
    let query = AuditQuery { filter, ..all(10) };
    assert_eq!(page(&fixture, ape, &query).await.total, 0);
}

async fn an_empty_log_is_an_empty_page(fixture: Fixture) {
    let team = fixture.team("zoo").await;
    let empty = page(&fixture, team, &all(10)).await;
    assert_eq!((empty.items.len(), empty.total, empty.as_of), (0, 0, 0));
    assert!(!empty.has_more);
    assert!(fixture.clock.now() > Timestamp::from_micros(0));
}
