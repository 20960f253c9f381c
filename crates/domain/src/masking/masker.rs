//! Masks one stream, wherever its chunks were cut.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::Patterns;
use super::search::Search;
use super::shapes::{Part, Shapes};

const MASK: Bytes = Bytes::from_static(b"***");

/// So many bytes of what was given out are remembered, to know a URL by: `https%3A%2F%2F`.
const REMEMBERED: usize = 16;

/// Room that is made at once for what is held back and what comes behind it.
const ROOM: usize = 64 * 1024;

/// Masks one stream.
#[derive(Debug)]
pub struct Masker {
    /// The end of what was pushed: it could still grow into a secret.
    pub(super) pending: BytesMut,
    /// The position of its first byte in the stream.
    start: u64,
    /// What was given out last.
    before: Vec<u8>,
    shapes: Shapes,
    /// Only with values to search for.
    search: Option<Search>,
    /// What is to be hidden and was not yet.
    found: Vec<Range<u64>>,
    /// Everything before this position that was not given out is covered by a `***` that was.
    hidden_to: u64,
}

impl Masker {
    /// Hides what `patterns` say.
    pub fn new(patterns: Patterns) -> Self {
        Self {
            pending: BytesMut::new(),
            start: 0,
            before: Vec::new(),
            shapes: Shapes::default(),
            search: (!patterns.0.values.is_empty()).then(|| Search::new(patterns)),
            found: Vec::new(),
            hidden_to: 0,
        }
    }

    /// Takes a chunk and gives out what can no longer become part of a secret.
    pub fn push(&mut self, chunk: Bytes, out: impl FnMut(Bytes)) {
        let mut settled = u64::MAX;
        if let Some(search) = &mut self.search {
            settled = search.push(&chunk, &mut self.found);
        }
        if self.pending.is_empty() {
            // Nothing is copied of what can be given out as it came.
            settled = settled.min(self.look_for_shapes(&chunk));
            let rest = self.emit(chunk, settled, out);
            self.hold(&rest);
        } else {
            self.hold(&chunk);
            let text = std::mem::take(&mut self.pending).freeze();
            settled = settled.min(self.look_for_shapes(&text));
            let rest = self.emit(text, settled, out);
            self.keep(rest);
        }
    }

    /// Gives out the rest: nothing comes behind it.
    pub fn finish(&mut self, out: impl FnMut(Bytes)) {
        if let Some(search) = &mut self.search {
            search.finish(&mut self.found);
        }
        let text = std::mem::take(&mut self.pending).freeze();
        let part = Part {
            text: &text,
            start: self.start,
            before: &self.before,
        };
        self.shapes.finish(part, &mut self.found);
        self.emit(text, u64::MAX, out);
    }

    /// The URL that is held back since it may have a password, by its position in the stream; it
    /// is to be given up after a while.
    pub fn waiting_url(&self) -> Option<u64> {
        self.shapes.waiting_url()
    }

    /// Does not wait any longer for the end of a URL: it is hidden from its user on.
    pub fn give_up(&mut self, out: impl FnMut(Bytes)) {
        let end = self.start + self.pending.len() as u64;
        let hidden = self.shapes.give_up(end, &mut self.found);
        let text = std::mem::take(&mut self.pending).freeze();
        let mut settled = if hidden {
            end
        } else {
            self.look_for_shapes(&text)
        };
        // A value may have begun within it, and goes on to be looked for.
        if let Some(search) = &mut self.search {
            settled = settled.min(search.push(&[], &mut self.found));
        }
        let rest = self.emit(text, settled.min(end), out);
        self.keep(rest);
    }

    fn look_for_shapes(&mut self, text: &[u8]) -> u64 {
        let part = Part {
            text,
            start: self.start,
            before: &self.before,
        };
        self.shapes.push(part, &mut self.found)
    }

    /// Gives out `text` up to the position `settled`, before which every secret that begins was
    /// found; returns what is left of it.
    fn emit(&mut self, mut text: Bytes, settled: u64, mut out: impl FnMut(Bytes)) -> Bytes {
        let end = self.start + text.len() as u64;
        let settled = settled.clamp(self.start, end);
        let start = self.start;
        let slice = |from: u64, to: u64| text.slice(index(from - start)..index(to - start));
        let mut plain_from = self.hidden_to.max(start);
        self.found.sort_unstable_by_key(|range| range.start);
        let known = self.found.partition_point(|range| range.start < settled);
        for secret in self.found.drain(..known) {
            if secret.start >= self.hidden_to {
                if plain_from < secret.start {
                    out(slice(plain_from, secret.start));
                }
                out(MASK);
            }
            self.hidden_to = self.hidden_to.max(secret.end);
            plain_from = plain_from.max(secret.end);
        }
        if plain_from < settled {
            out(slice(plain_from, settled));
        }
        let given = text.split_to(index(settled - start));
        self.remember(&given);
        self.start = settled;
        text
    }

    fn remember(&mut self, given: &[u8]) {
        let from = given.len().saturating_sub(REMEMBERED);
        self.before.extend_from_slice(&given[from..]);
        let surplus = self.before.len().saturating_sub(REMEMBERED);
        self.before.drain(..surplus);
    }

    fn hold(&mut self, more: &[u8]) {
        if self.pending.capacity() - self.pending.len() < more.len() {
            self.pending.reserve(more.len().max(ROOM));
        }
        self.pending.extend_from_slice(more);
    }

    fn keep(&mut self, rest: Bytes) {
        self.pending = rest
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    }
}

fn index(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}
