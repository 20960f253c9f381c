//! Who was not let in since the last row about it. Pure: the time comes in.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use reoclo_domain::{OrganizationId, Timestamp, UserId};
use reoclo_store::RequestSource;

use crate::subscriber::subscriber;

/// Rows a minute that all of them together may cause, but for one more.
const MAX_SUBJECTS: usize = 10_000;
/// People whom one row names.
const MAX_USERS: usize = 100;
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// What a row is about: a chain and an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// Passwords, in an organization's chain or the instance's.
    Passwords(Option<OrganizationId>, Option<IpAddr>),
    /// Keys that are none of ours.
    Keys(Option<IpAddr>),
    /// From more addresses than are told apart.
    Rest,
}

/// One refusal as it happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted<'a> {
    pub(super) subject: Subject,
    pub(super) reason: &'static str,
    pub(super) user: Option<(UserId, &'a str)>,
    pub(super) source: &'a RequestSource,
    pub(super) at: Timestamp,
}

/// What one row is to tell.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) subject: Subject,
    pub(super) source: RequestSource,
    pub(super) reasons: BTreeMap<&'static str, u64>,
    /// The people, each with what they are called and how often it was.
    pub(super) users: BTreeMap<UserId, (String, u32)>,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
}

#[derive(Debug, Default)]
struct Entry {
    pending: Option<Due>,
    /// On the monotonic clock.
    written_at: Option<Duration>,
}

/// Counts by subject.
#[derive(Debug, Default)]
pub(super) struct Ledger(HashMap<Subject, Entry>);

impl Subject {
    fn of_subscriber(self) -> Self {
        match self {
            Self::Passwords(organization, ip) => Self::Passwords(organization, ip.map(subscriber)),
            Self::Keys(ip) => Self::Keys(ip.map(subscriber)),
            Self::Rest => Self::Rest,
        }
    }
}

impl Due {
    /// How often it was.
    pub(super) fn count(&self) -> u64 {
        self.reasons.values().sum()
    }

    fn new(subject: Subject, noted: &Noted<'_>) -> Self {
        Self {
            subject,
            source: RequestSource::default(),
            reasons: BTreeMap::new(),
            users: BTreeMap::new(),
            first_at: noted.at,
            last_at: noted.at,
        }
    }

    fn add(&mut self, noted: &Noted<'_>) {
        if self.subject != Subject::Rest {
            self.source = noted.source.clone();
        }
        self.last_at = noted.at;
        *self.reasons.entry(noted.reason).or_default() += 1;
        if let Some((user, label)) = noted.user
            && (self.users.len() < MAX_USERS || self.users.contains_key(&user))
        {
            let counted = self.users.entry(user);
            counted.or_insert_with(|| (label.to_owned(), 0)).1 += 1;
        }
    }

    fn join(&mut self, earlier: Self) {
        self.first_at = self.first_at.min(earlier.first_at);
        for (reason, count) in earlier.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        for (user, (label, tries)) in earlier.users {
            self.users.entry(user).or_insert((label, 0)).1 += tries;
        }
    }
}

impl Entry {
    fn is_rested(&self, now: Duration) -> bool {
        self.written_at
            .is_none_or(|at| now.saturating_sub(at) >= WRITE_EVERY)
    }
}

impl Ledger {
    /// Counts a refusal. `true` when nothing was written about its subject for a minute, so that
    /// its row is due at once.
    pub(super) fn note(&mut self, noted: &Noted<'_>) -> bool {
        let mut subject = noted.subject.of_subscriber();
        if self.0.len() >= MAX_SUBJECTS && !self.0.contains_key(&subject) {
            subject = Subject::Rest;
        }
        let entry = self.0.entry(subject).or_default();
        let is_first = entry.pending.is_none() && entry.written_at.is_none();
        entry
            .pending
            .get_or_insert_with(|| Due::new(subject, noted))
            .add(noted);
        is_first
    }

    /// Takes what is due: everything when `all`, else what was not written about for a minute.
    pub(super) fn take_due(&mut self, now: Duration, all: bool) -> Vec<Due> {
        let mut due = Vec::new();
        for entry in self.0.values_mut() {
            if (all || entry.is_rested(now))
                && let Some(pending) = entry.pending.take()
            {
                entry.written_at = Some(now);
                due.push(pending);
            }
        }
        self.0
            .retain(|_, entry| entry.pending.is_some() || !entry.is_rested(now));
        due
    }

    /// Counts again what could not be written; it is due after another minute, or at the end.
    pub(super) fn give_back(&mut self, due: Vec<Due>) {
        for earlier in due {
            let entry = self.0.entry(earlier.subject).or_default();
            match &mut entry.pending {
                Some(pending) => pending.join(earlier),
                None => entry.pending = Some(earlier),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(ledger: &mut Ledger, address: u32, reason: &'static str, second: i64) -> bool {
        let ip = Some(IpAddr::from(address.to_be_bytes()));
        ledger.note(&Noted {
            subject: Subject::Passwords(None, ip),
            reason,
            user: None,
            source: &RequestSource {
                ip,
                ..RequestSource::default()
            },
            at: Timestamp::from_micros(second * 1_000_000),
        })
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_address_has_one_row_a_minute_with_the_number() {
        let mut ledger = Ledger::default();
        assert!(note(&mut ledger, 1, "unknown_account", 0));
        assert_eq!(ledger.take_due(seconds(0), false).len(), 1);
        for second in 0..1_000 {
            assert!(!note(&mut ledger, 1, "too_many_attempts", second / 20));
            assert!(ledger.take_due(seconds(59), false).is_empty());
        }
        let due = ledger.take_due(seconds(60), false);
        assert_eq!((due.len(), due[0].count()), (1, 1_000));
        ledger.give_back(due);
        assert_eq!(ledger.take_due(seconds(61), true)[0].count(), 1_000);
        assert!(ledger.take_due(seconds(200), false).is_empty());
        assert!(ledger.0.is_empty());
    }

    #[test]
    fn more_addresses_than_are_told_apart_are_counted_together() {
        let mut ledger = Ledger::default();
        for address in 0..20_000 {
            note(&mut ledger, address, "unknown_account", 0);
        }
        let due = ledger.take_due(seconds(0), false);
        assert_eq!(due.len(), MAX_SUBJECTS + 1);
        assert_eq!(due.iter().map(Due::count).sum::<u64>(), 20_000);
    }
}
