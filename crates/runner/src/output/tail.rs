use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Pieces below this size are put together, so that a command that writes byte by byte does not
/// cost a piece for each.
const SMALL: usize = 1024;
/// A put-together piece is closed at this size.
const CLOSED_AT: usize = 8 * 1024;

/// The last bytes of a stream, in memory, for followers that keep up.
#[derive(Debug, Default)]
pub(super) struct Tail {
    pieces: VecDeque<Bytes>,
    /// Small pieces that are being put together; behind all others.
    open: BytesMut,
    len: usize,
}

impl Tail {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        self.len += piece.len();
        if piece.len() < SMALL {
            self.open.extend_from_slice(&piece);
            if self.open.len() >= CLOSED_AT {
                self.close();
            }
        } else {
            self.close();
            self.pieces.push_back(piece);
        }
    }

    /// Lets go of the oldest pieces while more than `most` bytes are left without them.
    pub(super) fn trim(&mut self, most: usize) {
        while let Some(oldest) = self.pieces.front() {
            if self.len - oldest.len() < most {
                break;
            }
            self.len -= oldest.len();
            self.pieces.pop_front();
        }
    }

    /// The bytes from `skip` on, to the end of the piece that they stand in.
    pub(super) fn read(&self, mut skip: usize) -> Option<Bytes> {
        for piece in &self.pieces {
            if skip < piece.len() {
                return Some(piece.slice(skip..));
            }
            skip -= piece.len();
        }
        let rest = self.open.get(skip..).filter(|rest| !rest.is_empty())?;
        Some(Bytes::copy_from_slice(rest))
    }

    /// Everything, piece by piece.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let open = std::iter::once(self.open.as_ref());
        self.pieces.iter().map(AsRef::as_ref).chain(open)
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.pieces.push_back(self.open.split().freeze());
        }
    }
}
