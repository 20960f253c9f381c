use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use reoclo_domain::OperationId;

/// How long a forgotten id is remembered: many times longer than the start deadline lasts, with
/// which nobody may start it any more anyway.
const REMEMBERED: Duration = Duration::from_mins(15);
/// The most ids that are remembered, about 8 MiB.
const MOST: usize = 100_000;

/// Ids of operations that were run and acknowledged, and must not run again.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    order: VecDeque<(Duration, OperationId)>,
    ids: HashSet<OperationId>,
}

impl Forgotten {
    pub(super) fn contains(&self, id: OperationId) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn insert(&mut self, id: OperationId, now: Duration) {
        if self.ids.insert(id) {
            self.order.push_back((now, id));
        }
        while let Some((since, oldest)) = self.order.front().copied() {
            if self.order.len() <= MOST && now.saturating_sub(since) < REMEMBERED {
                break;
            }
            self.order.pop_front();
            self.ids.remove(&oldest);
        }
    }
}
