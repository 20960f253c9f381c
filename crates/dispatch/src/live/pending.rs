//! Output on its way to the database.

use std::collections::VecDeque;
use std::sync::Arc;

/// The beginning of a stream that is kept for good (rule 14).
pub(crate) const HEAD: u64 = 1 << 20;
/// The end of a stream that is kept behind it.
pub(crate) const RING: u64 = 9 << 20;
/// Bytes that are written together.
const CHUNK: usize = 256 * 1024;

/// A part of a stream; copies share the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) position: u64,
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl Piece {
    fn end(&self) -> u64 {
        self.position + self.bytes.len() as u64
    }
}

/// What of a stream is not in the database yet.
///
/// A stream is written there as it comes up to the most that is kept of one. What follows would
/// be written over again and again, so it is fetched from the runner's spool at the end.
#[derive(Debug)]
pub(super) struct Pending {
    /// Where `open` begins.
    position: u64,
    open: Vec<u8>,
    /// Complete, and being written.
    closed: VecDeque<Piece>,
    /// Nothing from here on is taken.
    limit: u64,
    /// Something of the stream was closed, and so will be in the database.
    has_closed: bool,
}

impl Pending {
    /// Of a stream that is in the database up to `stored`.
    pub(super) fn behind(stored: u64) -> Self {
        Self {
            position: stored,
            open: Vec::new(),
            closed: VecDeque::new(),
            limit: HEAD + RING,
            has_closed: stored > 0,
        }
    }

    /// Takes `data` that stands at `offset`; what was seen before is skipped.
    pub(super) fn push(&mut self, offset: u64, data: &[u8]) {
        let next = self.position + self.open.len() as u64;
        if offset > next && offset < self.limit {
            self.close();
            self.position = offset;
        }
        let next = next.max(self.position + self.open.len() as u64);
        let part = |position: u64| usize::try_from(position.saturating_sub(offset));
        let skip = part(next).unwrap_or(usize::MAX);
        let most = part(self.limit).unwrap_or(usize::MAX).min(data.len());
        self.open
            .extend_from_slice(data.get(skip..most).unwrap_or_default());
        if self.open.len() >= CHUNK {
            self.close();
        }
    }

    /// Goes on at `position` without a limit: the end of the stream comes once more.
    pub(super) fn resume_at(&mut self, position: u64) {
        if position > self.position + self.open.len() as u64 {
            self.close();
            self.position = position;
        }
        self.limit = u64::MAX;
    }

    /// Where the next byte is taken from.
    pub(super) fn next(&self) -> u64 {
        self.position + self.open.len() as u64
    }

    /// The first piece that is complete and not written yet.
    pub(super) fn first_closed(&self) -> Option<Piece> {
        self.closed.front().cloned()
    }

    /// The first piece is in the database.
    pub(super) fn written(&mut self) {
        self.closed.pop_front();
    }

    /// Everything that is left, for the database; nothing when it never went there. It stays
    /// readable here until it is there.
    pub(super) fn rest(&mut self) -> Vec<Piece> {
        if self.has_closed {
            self.close();
        }
        self.closed.iter().cloned().collect()
    }

    /// Has even a short stream go to the database, since its tail does not hold all of it.
    pub(super) fn keep(&mut self) {
        self.has_closed = true;
    }

    /// What stands at `offset` and behind it, if it is here.
    pub(super) fn read(&self, offset: u64) -> Option<&[u8]> {
        let closed = self.closed.iter();
        let mut pieces = closed.map(|piece| (piece.position, piece.bytes.as_slice()));
        let open = (self.position, self.open.as_slice());
        let within = |(position, bytes): (u64, &'_ [u8])| {
            (position..position + bytes.len() as u64).contains(&offset)
        };
        let found = pieces.find(|piece| within(*piece));
        let (position, bytes) = found.or_else(|| within(open).then_some(open))?;
        bytes.get(usize::try_from(offset - position).ok()?..)
    }

    /// The first position behind `offset` that is here.
    pub(super) fn first_behind(&self, offset: u64) -> Option<u64> {
        let closed = self
            .closed
            .iter()
            .map(|piece| (piece.position, piece.end()));
        let open = (self.position, self.position + self.open.len() as u64);
        closed
            .chain([open])
            .filter(|(position, end)| *end > offset && end > position)
            .map(|(position, _)| position.max(offset))
            .min()
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        self.has_closed = true;
        let bytes = std::mem::take(&mut self.open);
        let piece = Piece {
            position: self.position,
            bytes: Arc::new(bytes),
        };
        self.position = piece.end();
        self.closed.push_back(piece);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Everything that was closed, put together by position.
    fn drain(pending: &mut Pending) -> Vec<Piece> {
        pending.keep();
        pending.rest()
    }

    #[test]
    fn small_output_goes_nowhere() {
        let mut pending = Pending::behind(0);
        pending.push(0, b"hello");
        assert_eq!(pending.first_closed(), None);
        assert_eq!(pending.rest(), []);
        assert_eq!(pending.read(1), Some(&b"ello"[..]));
    }

    #[test]
    fn what_is_being_written_can_be_read_meanwhile() {
        let mut pending = Pending::behind(0);
        pending.push(0, &vec![7; CHUNK]);
        pending.push(CHUNK as u64, b"next");
        assert_eq!(pending.first_closed().unwrap().bytes.len(), CHUNK);
        assert_eq!(pending.read(CHUNK as u64 - 1), Some(&[7][..]));
        assert_eq!(pending.read(CHUNK as u64 + 3), Some(&b"t"[..]));
        pending.written();
        assert_eq!(pending.read(0), None);
        assert_eq!(pending.first_behind(0), Some(CHUNK as u64));
    }

    #[test]
    fn beyond_the_limit_nothing_is_taken_until_the_end_comes_again() {
        let mut pending = Pending::behind(HEAD + RING - 2);
        pending.push(HEAD + RING - 4, b"abcdef");
        assert_eq!(pending.next(), HEAD + RING);
        pending.push(HEAD + RING + 2, b"ghi");
        pending.resume_at(HEAD + RING + 3);
        pending.push(HEAD + RING + 3, b"hi");
        let pieces = drain(&mut pending);
        let seen: Vec<_> = pieces
            .iter()
            .map(|piece| (piece.position, &piece.bytes[..]))
            .collect();
        let expected = [(HEAD + RING - 2, &b"cd"[..]), (HEAD + RING + 3, &b"hi"[..])];
        assert_eq!(seen, expected);
    }

    proptest! {
        #[test]
        fn however_it_arrives_every_byte_is_kept_once(
            len in 0_usize..900_000, chunk in 1_usize..70_000, stored in 0_usize..300_000,
        ) {
            let stream: Vec<u8> = (0..len).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
            let mut pending = Pending::behind(stored as u64);
            let mut at = 0;
            while at < len {
                let end = (at + chunk).min(len);
                // A follower that was cut off gets the end of what it had once more.
                let from = at.saturating_sub(1000);
                pending.push(from as u64, &stream[from..end]);
                at = end;
            }
            let mut kept = Vec::new();
            for piece in drain(&mut pending) {
                prop_assert_eq!(piece.position, (stored + kept.len()) as u64);
                kept.extend_from_slice(&piece.bytes);
            }
            prop_assert_eq!(&kept[..], stream.get(stored..).unwrap_or_default());
        }
    }
}
