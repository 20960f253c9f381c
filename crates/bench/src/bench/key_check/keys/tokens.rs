//! The tokens of one kind, and which of them are used.

use std::sync::atomic::{AtomicUsize, Ordering};

use reoclo_domain::PlainToken;

/// A prime, so that steps of this size visit every token of a round number.
const STRIDE: usize = 7919;
/// As many as there are of each kind where there are fewest.
const FEW: usize = 5;

/// Which of the keys are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench::key_check) enum InUse {
    /// Always the same ten, five of each kind: what is stored besides is never touched.
    Ten,
    /// All, one after the other and far from each other: the processor's caches do not help.
    All,
}

/// Tokens, and how far they were used.
#[derive(Default)]
pub(super) struct Tokens {
    all: Vec<PlainToken>,
    next: AtomicUsize,
}

impl Tokens {
    pub(super) fn new(all: Vec<PlainToken>) -> Self {
        Self {
            all,
            next: AtomicUsize::new(0),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn first(&self) -> &str {
        self.all.first().map_or("", PlainToken::expose)
    }

    /// The next `count` to use.
    pub(super) fn next(&self, in_use: InUse, count: usize) -> Vec<&str> {
        let limit = match in_use {
            InUse::Ten => self.all.len().min(FEW),
            InUse::All => self.all.len(),
        };
        let step = || {
            let next = (self.next.load(Ordering::Relaxed) + STRIDE) % limit;
            self.next.store(next, Ordering::Relaxed);
            self.all[next].expose()
        };
        (0..count).map(|_| step()).collect()
    }
}
