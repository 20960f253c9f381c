use reoclo_domain::{AutomationKeyId, Clock, Entropy, OperationKind};

use reoclo_store::KeyRef;

use super::*;
use crate::{Asked, Requirement};

struct Fixed(u8);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

impl Entropy for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

fn key(seed: u8) -> KnownHolder<'static> {
    let fixed = Fixed(seed);
    KnownHolder {
        organization: OrganizationId::new(&fixed, &Fixed(0)),
        holder: Holder::Key(KeyRef::Automation(AutomationKeyId::new(&fixed, &fixed))),
        label: "ci",
    }
}

fn source(address: u32) -> RequestSource {
    RequestSource {
        ip: Some(IpAddr::from(address.to_be_bytes())),
        ..RequestSource::default()
    }
}

fn note(ledger: &mut Ledger, key: KnownHolder<'_>, address: u32, second: i64) -> bool {
    note_of(ledger, key, address, second, &exec("/exec"))
}

fn exec(template: &str) -> Attempted {
    Attempted {
        permission: Requirement::Operation(OperationKind::Exec),
        asked: Asked::of("POST", template, template),
        server: None,
    }
}

fn note_of(
    ledger: &mut Ledger,
    key: KnownHolder<'_>,
    address: u32,
    second: i64,
    wanted: &Attempted,
) -> bool {
    ledger.note(&Refused {
        known: key,
        code: ErrorCode::KeyRevoked,
        source: &source(address),
        wanted,
        at: Timestamp::from_micros(second * 1_000_000),
    })
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn counts(due: &[RefusedUse]) -> Vec<u64> {
    due.iter().map(|refused| refused.count).collect()
}

#[test]
fn the_first_has_a_row_at_once_and_the_others_one_a_minute() {
    let mut ledger = Ledger::default();
    assert!(note(&mut ledger, key(1), 1, 0));
    assert_eq!(counts(&ledger.take_due(seconds(0), false)), [1]);
    for second in 0..59 {
        assert!(!note(&mut ledger, key(1), 1, second));
        assert!(ledger.take_due(seconds(59), false).is_empty());
    }
    let due = ledger.take_due(seconds(60), false);
    assert_eq!(counts(&due), [59]);
    assert_eq!(due[0].first_at, Timestamp::from_micros(0));
    assert_eq!(due[0].last_at, Timestamp::from_micros(58_000_000));
    assert!(!note(&mut ledger, key(1), 1, 61));
    assert!(ledger.take_due(seconds(119), false).is_empty());
    assert_eq!(counts(&ledger.take_due(seconds(120), false)), [1]);
}

#[test]
fn after_a_quiet_minute_nothing_is_remembered() {
    let mut ledger = Ledger::default();
    note(&mut ledger, key(1), 1, 0);
    ledger.take_due(seconds(0), false);
    assert!(ledger.take_due(seconds(60), false).is_empty());
    assert!(ledger.entries.is_empty() && ledger.addresses.is_empty());
    assert!(note(&mut ledger, key(1), 1, 61));
}

#[test]
fn keys_and_addresses_are_told_apart() {
    let mut ledger = Ledger::default();
    assert!(note(&mut ledger, key(1), 1, 0));
    assert!(note(&mut ledger, key(1), 2, 0));
    assert!(note(&mut ledger, key(2), 1, 0));
    assert_eq!(counts(&ledger.take_due(seconds(0), false)), [1, 1, 1]);
}

#[test]
fn a_key_from_many_addresses_has_one_more_row_with_the_rest() {
    let mut ledger = Ledger::default();
    for address in 0..1000 {
        note(&mut ledger, key(1), address, 0);
    }
    let due = ledger.take_due(seconds(0), false);
    assert_eq!(due.len(), MAX_ADDRESSES_OF_HOLDER + 1);
    let rest: Vec<_> = due.iter().filter(|due| due.count > 1).collect();
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].count, rest[0].source.ip), (900, None));
    assert_eq!(counts(&due).iter().sum::<u64>(), 1000);
}

#[test]
fn beyond_the_limit_refusals_count_for_the_organization() {
    let mut ledger = Ledger::default();
    let mut noted = 0;
    for seed in 0..=255 {
        for address in 0..50 {
            note(&mut ledger, key(seed), address, 0);
            noted += 1;
        }
    }
    assert_eq!(ledger.entries.len(), MAX_SUBJECTS + 1);
    let due = ledger.take_due(seconds(0), false);
    assert_eq!(counts(&due).iter().sum::<u64>(), noted);
    let rest = due.iter().find(|due| due.holder.is_none()).unwrap();
    assert_eq!(rest.count, noted - 10_000);
    assert!(ledger.take_due(seconds(60), false).is_empty());
    assert!(ledger.entries.is_empty());
}

#[test]
fn what_could_not_be_written_is_counted_again() {
    let mut ledger = Ledger::default();
    note(&mut ledger, key(1), 1, 0);
    let due = ledger.take_due(seconds(0), false);
    note(&mut ledger, key(1), 1, 5);
    ledger.give_back(due);
    assert!(ledger.take_due(seconds(59), false).is_empty());
    let due = ledger.take_due(seconds(60), false);
    assert_eq!(counts(&due), [2]);
    assert_eq!(due[0].first_at, Timestamp::from_micros(0));
    assert_eq!(due[0].last_at, Timestamp::from_micros(5_000_000));
}

#[test]
fn what_was_asked_for_is_told_apart_up_to_a_limit() {
    let mut ledger = Ledger::default();
    for (second, template) in ["/a", "/b", "/a"].into_iter().enumerate() {
        let second = i64::try_from(second).unwrap();
        note_of(&mut ledger, key(1), 1, second, &exec(template));
    }
    let due = ledger.take_due(seconds(0), false);
    assert_eq!(due[0].wanted, [(exec("/b"), 1), (exec("/a"), 2)]);
    for number in 0..100 {
        let template = format!("/{number}");
        note_of(&mut ledger, key(1), 1, number, &exec(&template));
    }
    let due = ledger.take_due(seconds(60), false);
    assert_eq!(due[0].wanted.len(), MAX_WANTED);
    assert_eq!(due[0].wanted.last().unwrap().0, exec("/99"));
    let told: u64 = due[0].wanted.iter().map(|(_, count)| count).sum();
    assert_eq!(told, 100);
}

#[test]
fn the_end_takes_everything() {
    let mut ledger = Ledger::default();
    note(&mut ledger, key(1), 1, 0);
    ledger.take_due(seconds(0), false);
    note(&mut ledger, key(1), 1, 1);
    assert_eq!(counts(&ledger.take_due(seconds(1), true)), [1]);
}
