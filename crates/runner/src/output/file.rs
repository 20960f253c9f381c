use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::{HEAD, Layout, MEMORY, RING};
use crate::data_dir::private_file;
use crate::spool::Budget;

/// Bytes by which a file's share of the budget grows.
const SHARE: u64 = 1 << 20;

/// Where a stream's file is, or would be, and what it may use.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) budget: Arc<Budget>,
}

/// A stream in a file of at most 10 MiB: its beginning, and behind it a ring of its end.
#[derive(Debug)]
pub(super) struct RingFile {
    file: File,
    place: Place,
    /// Bytes that were written, with those written over since.
    end: u64,
    /// Length of the write that failed, if one did: it may have hit a part of the oldest bytes.
    torn: u64,
    /// Bytes of the budget that were taken.
    share: u64,
}

impl RingFile {
    pub(super) fn create(place: Place) -> io::Result<Self> {
        let file = private_file()
            .read(true)
            .create_new(true)
            .open(&place.path)?;
        Ok(Self {
            file,
            place,
            end: 0,
            torn: 0,
            share: 0,
        })
    }

    /// Opens a file that was written up to `end`.
    pub(super) fn open(place: Place, end: u64) -> io::Result<Self> {
        Ok(Self {
            file: File::open(&place.path)?,
            place,
            end,
            torn: 0,
            share: 0,
        })
    }

    /// Where the written stream ends.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The bytes of the budget that the file holds from here on; they are the caller's to return.
    pub(super) fn take_share(&mut self) -> u64 {
        std::mem::take(&mut self.share)
    }

    /// Appends, over the oldest of the ring when it is full.
    pub(super) fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.reserve(bytes.len() as u64)?;
        while !bytes.is_empty() {
            let (at, room) = position(self.end);
            let len = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            if let Err(error) = self.file.write_all_at(&bytes[..len], at) {
                self.torn = len as u64;
                return Err(error);
            }
            self.end += len as u64;
            bytes = &bytes[len..];
        }
        Ok(())
    }

    /// The first kept position at or behind `offset`.
    pub(super) fn kept_from(&self, offset: u64) -> u64 {
        if offset < HEAD {
            return offset;
        }
        offset.max((self.end + self.torn).saturating_sub(RING))
    }

    /// At most [`MEMORY`] bytes from `offset` on, which is kept and written.
    pub(super) fn read(&self, offset: u64) -> io::Result<Bytes> {
        let (at, room) = position(offset);
        let len = room.min(self.end - offset).min(MEMORY as u64);
        let mut bytes = BytesMut::zeroed(usize::try_from(len).unwrap_or(MEMORY));
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes.freeze())
    }

    /// Takes a share of the budget for `more` bytes, in steps.
    fn reserve(&mut self, more: u64) -> io::Result<()> {
        let needed = (self.end + more).min(HEAD + RING);
        while self.share < needed {
            self.place.budget.take(SHARE)?;
            self.share += SHARE;
        }
        Ok(())
    }
}

impl Drop for RingFile {
    /// A file whose share nobody took over is not kept.
    fn drop(&mut self) {
        if self.share > 0 {
            let _ = fs::remove_file(&self.place.path);
            self.place.budget.give_back(self.share);
        }
    }
}

/// What can be read of a file of so many bytes whose writer has gone without a word. Once the ring
/// is full, nobody can tell where its end is, and the beginning is all.
pub(crate) fn written(bytes: u64) -> Layout {
    let len = if bytes < HEAD + RING { bytes } else { HEAD };
    Layout { len, in_file: len }
}

/// Where in the file a position of the stream is, and how many bytes go on from there.
fn position(offset: u64) -> (u64, u64) {
    if offset < HEAD {
        return (offset, HEAD - offset);
    }
    let in_ring = (offset - HEAD) % RING;
    (HEAD + in_ring, RING - in_ring)
}
