//! Where the pages of a client that sends nothing but `page` hang.
//!
//! Remembered in memory and per process: a client that the next replica answers, or the same one
//! after a restart, should send `as_of` or `before_seq`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reoclo_domain::OrganizationId;
use reoclo_store::AuditFilter;
use uuid::Uuid;

const MAX_WALKS: usize = 1_000;
/// A client that turns a page later than this has begun anew.
const KEPT: Duration = Duration::from_mins(10);

/// A client that turns page after page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Walk {
    pub(super) organization: OrganizationId,
    pub(super) reader: Option<Uuid>,
    pub(super) filter: AuditFilter,
    pub(super) page_size: i64,
}

/// The newest row that each walk's first page saw.
#[derive(Debug, Default)]
pub(crate) struct Anchors(Mutex<HashMap<Walk, Anchor>>);

#[derive(Clone, Copy, Debug)]
struct Anchor {
    as_of: i64,
    /// On the monotonic clock.
    used_at: Duration,
}

impl Anchors {
    /// What the walk's first page saw, if that is not long ago.
    pub(super) fn find(&self, walk: &Walk, now: Duration) -> Option<i64> {
        let mut anchors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let anchor = anchors.get_mut(walk)?;
        if anchor.is_over(now) {
            return None;
        }
        anchor.used_at = now;
        Some(anchor.as_of)
    }

    /// Remembers what a first page saw.
    pub(super) fn set(&self, walk: Walk, as_of: i64, now: Duration) {
        let mut anchors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if anchors.len() >= MAX_WALKS && !anchors.contains_key(&walk) {
            make_room(&mut anchors, now);
        }
        let used_at = now;
        anchors.insert(walk, Anchor { as_of, used_at });
    }
}

impl Anchor {
    fn is_over(self, now: Duration) -> bool {
        now.saturating_sub(self.used_at) > KEPT
    }
}

/// Forgets the walks that are over, or else the one that rested longest.
fn make_room(anchors: &mut HashMap<Walk, Anchor>, now: Duration) {
    anchors.retain(|_, anchor| !anchor.is_over(now));
    if anchors.len() < MAX_WALKS {
        return;
    }
    let oldest = anchors.iter().min_by_key(|(_, anchor)| anchor.used_at);
    if let Some(oldest) = oldest.map(|(walk, _)| walk.clone()) {
        anchors.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(page_size: i64) -> Walk {
        Walk {
            organization: "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa".parse().unwrap(),
            reader: None,
            filter: AuditFilter::default(),
            page_size,
        }
    }

    #[test]
    fn a_walk_hangs_where_its_first_page_did_until_it_rests_too_long() {
        let anchors = Anchors::default();
        assert_eq!(anchors.find(&walk(50), Duration::ZERO), None);
        anchors.set(walk(50), 7, Duration::ZERO);
        assert_eq!(anchors.find(&walk(50), KEPT), Some(7));
        assert_eq!(anchors.find(&walk(51), KEPT), None);
        assert_eq!(anchors.find(&walk(50), KEPT * 2), Some(7));
        assert_eq!(anchors.find(&walk(50), KEPT * 4), None);
    }

    #[test]
    fn a_walk_too_many_takes_the_place_of_the_one_that_rested_longest() {
        let anchors = Anchors::default();
        for (second, size) in (0..=1_000).enumerate() {
            let now = Duration::from_micros(second as u64);
            anchors.set(walk(size), size, now);
        }
        assert_eq!(anchors.find(&walk(0), Duration::ZERO), None);
        assert_eq!(anchors.find(&walk(1), Duration::ZERO), Some(1));
        assert_eq!(anchors.0.lock().unwrap().len(), MAX_WALKS);
    }
}
