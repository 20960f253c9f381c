//! Counts over a time, in tables that do not grow.
//!
//! Of a full table, the entries with the least in them are forgotten, so whoever is worst stays
//! counted. What is forgotten of an address is kept for the network around it.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::networks::{LEVELS, OWN};

/// Attempts are counted over this time, from the first on.
pub(super) const WINDOW: Duration = Duration::from_mins(15);
/// What is told apart of each kind; of more at once, the least bad is forgotten.
pub(super) const MOST_COUNTED: usize = 50_000;

/// What lies in wider networks.
pub(super) trait Nested: Copy + Eq + Hash {
    /// The same in its network of that width.
    fn widened(self, level: usize) -> Self;
}

/// Counts by address, and of what was forgotten by network.
#[derive(Debug)]
pub(super) struct Layers<K> {
    windows: [Windows<K>; LEVELS],
    most: [u32; LEVELS],
}

#[derive(Debug)]
pub(super) struct Windows<K>(HashMap<K, Window>);

#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    failed: u32,
    /// Attempts of which it is not known yet how they end.
    open: u32,
    /// When the first failed.
    began: Duration,
}

impl<K: Nested> Layers<K> {
    pub(super) fn new(most: [u32; LEVELS]) -> Self {
        Self {
            windows: std::array::from_fn(|_| Windows::default()),
            most,
        }
    }

    /// How long whoever has failed as often as they may is to wait. Whoever `is_known` is not
    /// held to what their network did.
    pub(super) fn wait(&self, key: K, is_known: bool, now: Duration) -> Option<Duration> {
        let widest = if is_known { OWN } else { 0 };
        let waits = (widest..LEVELS).map(|level| {
            let key = key.widened(level);
            self.windows[level].wait(&key, self.most[level], now)
        });
        waits.max().flatten()
    }

    pub(super) fn begin(&mut self, key: K, now: Duration) {
        let forgotten = self.windows[OWN].begin(key, now);
        self.keep(OWN, forgotten, now);
    }

    pub(super) fn fail(&mut self, key: K, now: Duration) {
        self.windows[OWN].fail(key, now);
    }

    pub(super) fn give_back(&mut self, key: &K) {
        self.windows[OWN].give_back(key);
    }

    pub(super) fn forgive(&mut self, key: &K) {
        self.windows[OWN].forgive(key);
    }

    pub(super) fn forget(&mut self, is_meant: impl Fn(&K) -> bool) {
        for windows in &mut self.windows {
            windows.forget(&is_meant);
        }
    }

    /// Counts for wider networks what was forgotten at `level`.
    fn keep(&mut self, level: usize, forgotten: Vec<(K, Window)>, now: Duration) {
        let Some(wider) = level.checked_sub(1) else {
            return;
        };
        for (key, window) in forgotten {
            let key = key.widened(wider);
            let forgotten = self.windows[wider].add(key, window.failed, window.began, now);
            self.keep(wider, forgotten, now);
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; LEVELS] {
        std::array::from_fn(|level| self.windows[level].0.len())
    }
}

impl Window {
    fn failed_at(self, now: Duration) -> u32 {
        let is_over = now.saturating_sub(self.began) >= WINDOW;
        if is_over { 0 } else { self.failed }
    }
}

impl<K> Default for Windows<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash> Windows<K> {
    /// How long whoever has failed as often as they may is to wait; nearly nothing when only what
    /// is under way is too much.
    pub(super) fn wait(&self, key: &K, most: u32, now: Duration) -> Option<Duration> {
        let window = self.0.get(key)?;
        let failed = window.failed_at(now);
        if failed >= most {
            Some((window.began + WINDOW).saturating_sub(now))
        } else {
            (failed + window.open >= most).then_some(Duration::ZERO)
        }
    }

    pub(super) fn failed_already(&self, key: &K, now: Duration) -> u32 {
        let window = self.0.get(key);
        window.map_or(0, |window| window.failed_at(now))
    }

    /// One that is under way. What was forgotten for it.
    pub(super) fn begin(&mut self, key: K, now: Duration) -> Vec<(K, Window)> {
        let forgotten = self.make_room(&key, now);
        self.entry(key, now).open += 1;
        forgotten
    }

    /// One that was under way has failed.
    pub(super) fn fail(&mut self, key: K, now: Duration) {
        let window = self.entry(key, now);
        window.open = window.open.saturating_sub(1);
        window.fail(1, now, now);
    }

    /// So many have failed since then. What was forgotten for them.
    pub(super) fn add(
        &mut self,
        key: K,
        failed: u32,
        began: Duration,
        now: Duration,
    ) -> Vec<(K, Window)> {
        let forgotten = self.make_room(&key, now);
        self.entry(key, began).fail(failed, began, now);
        forgotten
    }

    /// One that was under way is none.
    pub(super) fn give_back(&mut self, key: &K) {
        if let Some(window) = self.0.get_mut(key) {
            window.open = window.open.saturating_sub(1);
            if window.open == 0 && window.failed == 0 {
                self.0.remove(key);
            }
        }
    }

    /// What has failed is forgotten; what is under way is not.
    pub(super) fn forgive(&mut self, key: &K) {
        if let Some(window) = self.0.get_mut(key) {
            window.failed = 0;
            if window.open == 0 {
                self.0.remove(key);
            }
        }
    }

    pub(super) fn forget(&mut self, is_meant: impl Fn(&K) -> bool) {
        self.0.retain(|key, _| !is_meant(key));
    }

    fn entry(&mut self, key: K, began: Duration) -> &mut Window {
        self.0.entry(key).or_insert(Window {
            failed: 0,
            open: 0,
            began,
        })
    }

    /// Of a full table, forgets what is over, and else a quarter: those with the least in them,
    /// the oldest first. What is under way is bounded by the requests that are, and stays.
    fn make_room(&mut self, key: &K, now: Duration) -> Vec<(K, Window)> {
        if self.0.len() < MOST_COUNTED || self.0.contains_key(key) {
            return Vec::new();
        }
        self.0
            .retain(|_, window| window.open > 0 || window.failed_at(now) > 0);
        if self.0.len() < MOST_COUNTED {
            self.0.shrink_to(MOST_COUNTED / 10);
            return Vec::new();
        }
        let at_rest = self.0.iter().filter(|(_, window)| window.open == 0);
        let mut least: Vec<(K, Window)> = at_rest.map(|(key, window)| (*key, *window)).collect();
        let many = least.len().min(MOST_COUNTED / 4);
        if many < least.len() {
            least.select_nth_unstable_by_key(many, |(_, window)| (window.failed, window.began));
            least.truncate(many);
        }
        for (key, _) in &least {
            self.0.remove(key);
        }
        least
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.0.len()
    }
}

impl Window {
    fn fail(&mut self, many: u32, began: Duration, now: Duration) {
        let failed = self.failed_at(now);
        if failed == 0 {
            self.began = began;
        }
        self.failed = failed.saturating_add(many);
    }
}
