//! The windows of a single control plane, in memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use reoclo_domain::{AutomationKeyId, RateVerdict, SlidingWindow};

/// Windows that rested are thrown out whenever this many came.
const SWEEP_EVERY: usize = 1024;

/// The windows of a single node.
#[derive(Debug, Default)]
pub(crate) struct RateWindows {
    windows: Mutex<HashMap<AutomationKeyId, SlidingWindow>>,
}

impl RateWindows {
    pub(super) fn admit(&self, key: AutomationKeyId, limit: u32, second: u64) -> RateVerdict {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() % SWEEP_EVERY == SWEEP_EVERY - 1 && !windows.contains_key(&key) {
            windows.retain(|_, window| !window.is_idle(second));
        }
        windows.entry(key).or_default().admit(second, limit)
    }
}
