//! Replaces secrets in a stream by `***`, wherever its chunks were cut.
//!
//! A byte is hidden when it belongs to any occurrence of any secret, occurrences that overlap
//! included: of two that do, neither leaves a part of the other behind. Overlapping occurrences
//! become one `***`. Secrets are the values that came with the command, and whatever has the shape
//! of one of Reoclo's own tokens.

mod patterns;

use bytes::{Bytes, BytesMut};

pub(crate) use patterns::Patterns;

const MASK: Bytes = Bytes::from_static(b"***");

/// Masks one stream.
#[derive(Debug)]
pub(crate) struct Masker {
    patterns: Patterns,
    /// The end of what was pushed: it could still grow into a secret.
    pending: Bytes,
    /// As many bytes at the start of `pending` belong to a `***` that is already out.
    covered: usize,
}

impl Masker {
    pub(crate) fn new(patterns: Patterns) -> Self {
        Self {
            patterns,
            pending: Bytes::new(),
            covered: 0,
        }
    }

    /// Takes a chunk and gives out what can no longer become part of a secret.
    pub(crate) fn push(&mut self, chunk: Bytes, out: impl FnMut(Bytes)) {
        let text = self.joined(chunk);
        let settled = self.patterns.settled(&text);
        self.emit(&text, settled, out);
    }

    /// Gives out the rest: nothing comes behind it.
    pub(crate) fn finish(&mut self, out: impl FnMut(Bytes)) {
        let text = std::mem::take(&mut self.pending);
        self.emit(&text, text.len(), out);
    }

    fn joined(&mut self, chunk: Bytes) -> Bytes {
        if self.pending.is_empty() {
            return chunk;
        }
        let mut text = BytesMut::with_capacity(self.pending.len() + chunk.len());
        text.extend_from_slice(&self.pending);
        text.extend_from_slice(&chunk);
        text.freeze()
    }

    /// Gives out `text` up to `settled`; no secret that is yet to come begins before it.
    fn emit(&mut self, text: &Bytes, settled: usize, mut out: impl FnMut(Bytes)) {
        let mut hidden_to = self.covered;
        for secret in self.patterns.occurrences(text) {
            if secret.start >= settled {
                break;
            }
            if secret.start >= hidden_to {
                plain(text, hidden_to..secret.start, &mut out);
                out(MASK);
            }
            hidden_to = hidden_to.max(secret.end);
        }
        if hidden_to < settled {
            plain(text, hidden_to..settled, &mut out);
        }
        self.covered = hidden_to.saturating_sub(settled);
        self.pending = text.slice(settled..);
    }
}

fn plain(text: &Bytes, range: std::ops::Range<usize>, out: &mut impl FnMut(Bytes)) {
    if !range.is_empty() {
        out(text.slice(range));
    }
}

#[cfg(test)]
mod tests;
