//! Finds the forms of values in a stream.

use std::collections::VecDeque;
use std::ops::Range;

use super::Patterns;
use super::index::{BEGINNING, Found, Index};
use super::rolling;
use super::unwrapped::Unwrapped;

/// What was let go of a text is removed from memory when it is at least this much.
const MUCH: usize = 64 * 1024;

/// The part of a text that is still looked at, with the hashes of its beginnings where somebody
/// asked for them.
#[derive(Debug, Default)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// Of the text from `hashed_from`: nothing, one byte, two bytes, …
    hashes: Vec<u64>,
    hashed_from: usize,
}

impl Text {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Hashes of the text up to `from` and up to `to`, as `Powers::between` takes them. Calls come
    /// with a `from` that does not become smaller.
    pub(super) fn hashes(&mut self, from: usize, to: usize) -> (u64, u64) {
        if self.hashes.is_empty() || from >= self.hashed_from + self.hashes.len() {
            self.hashes.clear();
            self.hashes.push(0);
            self.hashed_from = from;
        }
        let mut last = self.hashes.last().copied().unwrap_or(0);
        let hashed_to = self.hashed_from + self.hashes.len() - 1;
        for byte in self.bytes.get(hashed_to..to).unwrap_or_default() {
            last = rolling::push(last, *byte);
            self.hashes.push(last);
        }
        let from = from - self.hashed_from;
        (self.hashes[from], self.hashes[to - self.hashed_from])
    }

    fn forget(&mut self, count: usize) {
        self.bytes.drain(..count);
        let hashed = count.saturating_sub(self.hashed_from);
        if hashed >= self.hashes.len() {
            self.hashes.clear();
        } else {
            self.hashes.drain(..hashed);
        }
        self.hashed_from = self.hashed_from.saturating_sub(count);
    }
}

/// The first eight bytes of a text, or what there is of them.
fn eight(text: &[u8]) -> u64 {
    let eight = text.first_chunk().copied().unwrap_or_else(|| {
        let mut eight = [0; 8];
        eight[..text.len()].copy_from_slice(text);
        eight
    });
    u64::from_le_bytes(eight)
}

/// The search through one stream.
#[derive(Debug)]
pub(super) struct Search {
    patterns: Patterns,
    text: Text,
    unwrapped: Unwrapped,
    /// Places up to here were looked at.
    scanned: usize,
    /// Where a form may begin; only the first may be waiting for more text.
    candidates: VecDeque<usize>,
}

impl Search {
    pub(super) fn new(patterns: Patterns) -> Self {
        Self {
            patterns,
            text: Text::default(),
            unwrapped: Unwrapped::default(),
            scanned: 0,
            candidates: VecDeque::new(),
        }
    }

    /// Takes the next part of the stream; adds where forms stand in it, in the order in which they
    /// begin. Returns the position before which no form can begin that was not added.
    pub(super) fn push(&mut self, chunk: &[u8], found: &mut Vec<Range<u64>>) -> u64 {
        let patterns = self.patterns.clone();
        let Some(index) = patterns.index() else {
            return u64::MAX;
        };
        self.unwrapped.push(chunk, &mut self.text.bytes);
        self.scan(index);
        self.resolve(index, false, found);
        let settled = self.settled(index);
        let position = self.unwrapped.position(settled);
        if settled >= MUCH && settled * 2 >= self.text.bytes.len() {
            self.forget(settled);
        }
        position
    }

    /// Nothing comes behind what was pushed.
    pub(super) fn finish(&mut self, found: &mut Vec<Range<u64>>) {
        let patterns = self.patterns.clone();
        if let Some(index) = patterns.index() {
            self.scan(index);
            self.resolve(index, true, found);
        }
    }

    /// Looks at every place that has enough behind it to be told apart.
    fn scan(&mut self, index: &Index) {
        let text = &self.text.bytes;
        let candidates = &mut self.candidates;
        let decided = index.sieve().sift(text, self.scanned, |places| {
            for at in places {
                if index.may_begin(eight(&text[at..])) {
                    candidates.push_back(at);
                }
            }
        });
        let last = (text.len() + 1).saturating_sub(BEGINNING);
        for at in decided..last {
            if index.may_begin(eight(&text[at..])) {
                candidates.push_back(at);
            }
        }
        self.scanned = decided.max(last);
    }

    fn resolve(&mut self, index: &Index, whole: bool, found: &mut Vec<Range<u64>>) {
        let mut latest: Option<Range<usize>> = None;
        while let Some(at) = self.candidates.front().copied() {
            match index.at(&mut self.text, at, whole) {
                Found::Open => break,
                Found::Nothing => {}
                Found::Form(len) => match latest.as_mut() {
                    Some(latest) if at < latest.end => latest.end = latest.end.max(at + len),
                    _ => {
                        if let Some(latest) = latest.replace(at..at + len) {
                            found.push(self.unwrapped.positions(latest));
                        }
                    }
                },
            }
            self.candidates.pop_front();
        }
        if let Some(latest) = latest {
            found.push(self.unwrapped.positions(latest));
        }
        if self.candidates.is_empty() {
            self.text.hashes.clear();
        }
    }

    /// The first place at which a form may begin that has not ended yet.
    fn settled(&self, index: &Index) -> usize {
        if let Some(open) = self.candidates.front() {
            return *open;
        }
        let text = &self.text.bytes;
        (self.scanned..text.len())
            .find(|at| index.may_grow(&text[*at..]))
            .unwrap_or(text.len())
    }

    fn forget(&mut self, count: usize) {
        self.text.forget(count);
        self.unwrapped.forget(count);
        self.scanned = self.scanned.saturating_sub(count);
        for at in &mut self.candidates {
            *at -= count;
        }
    }
}
