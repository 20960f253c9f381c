//! What was refused since the last row about it. Pure: the time comes in.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::net::IpAddr;
use std::time::Duration;

use reoclo_domain::{ErrorCode, OrganizationId, Timestamp};
use reoclo_store::RequestSource;

use crate::attempted::Attempted;
use crate::holder::{Holder, KnownHolder};

/// Rows a minute that all refusals together may cause, but for one of each organization.
pub(super) const MAX_SUBJECTS: usize = 10_000;
/// Rows a minute that the refusals of one holder may cause, but for one of each code.
pub(super) const MAX_ADDRESSES_OF_HOLDER: usize = 100;
/// Things asked for that one row tells apart; of more, the last stand for the others.
const MAX_WANTED: usize = 8;
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// A refusal as it happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused<'a> {
    pub(super) known: KnownHolder<'a>,
    pub(super) code: ErrorCode,
    pub(super) source: &'a RequestSource,
    pub(super) wanted: &'a Attempted,
    pub(super) at: Timestamp,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A holder, a code and an address.
    Address(Holder, ErrorCode, Option<IpAddr>),
    /// A holder and a code, from more addresses than are told apart.
    Holder(Holder, ErrorCode),
    /// An organization, by more holders and addresses than are told apart.
    Organization(OrganizationId),
}

/// Refusals that one row is to tell of; where they came from is that of the last.
#[derive(Clone, Debug)]
pub(super) struct RefusedUse {
    pub(super) subject: Subject,
    pub(super) organization: OrganizationId,
    /// The holder and its label, unless there are too many.
    pub(super) holder: Option<(Holder, String)>,
    pub(super) code: ErrorCode,
    pub(super) source: RequestSource,
    /// What was asked for and how often, the last at the end.
    pub(super) wanted: Vec<(Attempted, u64)>,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
    pub(super) count: u64,
}

#[derive(Debug, Default)]
struct Entry {
    pending: Option<RefusedUse>,
    /// On the monotonic clock.
    written_at: Option<Duration>,
}

/// Counts by subject.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: HashMap<Subject, Entry>,
    addresses: HashMap<Holder, usize>,
}

impl Subject {
    fn addressed(&self) -> Option<Holder> {
        match self {
            Self::Address(holder, ..) => Some(*holder),
            Self::Holder(..) | Self::Organization(_) => None,
        }
    }
}

impl Entry {
    fn is_rested(&self, now: Duration) -> bool {
        self.written_at
            .is_none_or(|at| now.saturating_sub(at) >= WRITE_EVERY)
    }

    fn add(&mut self, more: RefusedUse) {
        self.pending = Some(match self.pending.take() {
            Some(pending) => pending.joined(more),
            None => more,
        });
    }
}

impl RefusedUse {
    fn new(subject: Subject, refused: &Refused<'_>) -> Self {
        let KnownHolder { holder, label, .. } = refused.known;
        let source = match subject {
            Subject::Address(..) => refused.source.clone(),
            Subject::Holder(..) | Subject::Organization(_) => RequestSource::default(),
        };
        Self {
            subject,
            organization: refused.known.organization,
            holder: match subject {
                Subject::Organization(_) => None,
                Subject::Address(..) | Subject::Holder(..) => Some((holder, label.to_owned())),
            },
            code: refused.code,
            source,
            wanted: vec![(refused.wanted.clone(), 1)],
            first_at: refused.at,
            last_at: refused.at,
            count: 1,
        }
    }

    fn joined(self, other: Self) -> Self {
        let (earlier, later) = if other.last_at < self.last_at {
            (other, self)
        } else {
            (self, other)
        };
        Self {
            wanted: joined_wanted(earlier.wanted, &later.wanted),
            first_at: earlier.first_at.min(later.first_at),
            count: earlier.count + later.count,
            ..later
        }
    }
}

/// Both, each thing once and the last at the end; one beyond the limit takes the place of the
/// oldest, with its count.
fn joined_wanted(
    mut earlier: Vec<(Attempted, u64)>,
    later: &[(Attempted, u64)],
) -> Vec<(Attempted, u64)> {
    for (wanted, count) in later {
        let known = earlier.iter().position(|(known, _)| known == wanted);
        let before = match known {
            Some(place) => earlier.remove(place).1,
            None if earlier.len() >= MAX_WANTED => earlier.remove(0).1,
            None => 0,
        };
        earlier.push((wanted.clone(), before + count));
    }
    earlier
}

impl Ledger {
    /// Counts a refusal. `true` when nothing was written about its subject for a minute, so that
    /// its row is due at once.
    pub(super) fn note(&mut self, refused: &Refused<'_>) -> bool {
        let subject = self.subject_of(refused);
        let entry = self.entry(subject);
        let is_first = entry.pending.is_none() && entry.written_at.is_none();
        entry.add(RefusedUse::new(subject, refused));
        is_first
    }

    /// Takes what is due: everything when `all`, else what was not written about for a minute.
    pub(super) fn take_due(&mut self, now: Duration, all: bool) -> Vec<RefusedUse> {
        let mut due = Vec::new();
        for entry in self.entries.values_mut() {
            if (all || entry.is_rested(now))
                && let Some(pending) = entry.pending.take()
            {
                entry.written_at = Some(now);
                due.push(pending);
            }
        }
        self.forget_rested(now);
        due
    }

    /// Counts again what could not be written; it is due after another minute, or at the end.
    pub(super) fn give_back(&mut self, refused: Vec<RefusedUse>) {
        for refused in refused {
            self.entry(refused.subject).add(refused);
        }
    }

    /// The narrowest subject that there is room for.
    fn subject_of(&self, refused: &Refused<'_>) -> Subject {
        let KnownHolder {
            organization,
            holder,
            ..
        } = refused.known;
        let has_room = self.entries.len() < MAX_SUBJECTS;
        let addresses = self.addresses.get(&holder).copied().unwrap_or_default();
        let of_address = Subject::Address(holder, refused.code, refused.source.ip);
        let of_holder = Subject::Holder(holder, refused.code);
        if self.entries.contains_key(&of_address)
            || (has_room && addresses < MAX_ADDRESSES_OF_HOLDER)
        {
            of_address
        } else if has_room || self.entries.contains_key(&of_holder) {
            of_holder
        } else {
            Subject::Organization(organization)
        }
    }

    fn entry(&mut self, subject: Subject) -> &mut Entry {
        match self.entries.entry(subject) {
            Place::Occupied(entry) => entry.into_mut(),
            Place::Vacant(place) => {
                if let Some(holder) = subject.addressed() {
                    *self.addresses.entry(holder).or_default() += 1;
                }
                place.insert(Entry::default())
            }
        }
    }

    fn forget_rested(&mut self, now: Duration) {
        let addresses = &mut self.addresses;
        self.entries.retain(|subject, entry| {
            let stays = entry.pending.is_some() || !entry.is_rested(now);
            if !stays && let Some(holder) = subject.addressed() {
                let left = addresses.get(&holder).map_or(0, |count| count - 1);
                if left == 0 {
                    addresses.remove(&holder);
                } else {
                    addresses.insert(holder, left);
                }
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests;
