use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::file::RingFile;
use super::tail::Tail;
use super::{MEMORY, Place};

/// What is kept in memory of a stream that has a file, for followers that keep up.
const RECENT: usize = 4 * MEMORY;

/// One stream of a command's masked output.
///
/// Small output stays in memory. Larger output goes to a file that keeps its beginning and its
/// end. When the file cannot be written, the command goes on and only the last bytes are kept.
#[derive(Debug)]
pub(crate) struct OutputLog {
    place: Place,
    /// Length of the stream, with what was dropped.
    len: u64,
    tail: Tail,
    file: Option<RingFile>,
    /// The file could not be made or written: nothing more goes there.
    memory_only: bool,
}

/// A part of the stream.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) offset: u64,
    pub(crate) data: Bytes,
}

/// What is to be known of a stream to read its file again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Layout {
    /// Length of the stream.
    pub(crate) len: u64,
    /// Up to where the file was written.
    pub(crate) in_file: u64,
}

impl OutputLog {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            len: 0,
            tail: Tail::default(),
            file: None,
            memory_only: false,
        }
    }

    /// A finished stream that was stored. What its file no longer has was dropped.
    pub(crate) fn stored(place: Place, layout: Layout) -> Self {
        let file = RingFile::open(place.clone(), layout.in_file)
            .ok()
            .filter(|_| layout.in_file > 0);
        Self {
            place,
            len: layout.len,
            tail: Tail::default(),
            file,
            memory_only: true,
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn append(&mut self, bytes: Bytes) {
        self.len += bytes.len() as u64;
        if self.file.is_some() {
            self.write(&bytes);
        }
        self.tail.push(bytes);
        if self.file.is_none() && !self.memory_only && self.tail.len() > MEMORY {
            self.move_to_file();
        }
        if self.file.is_some() || self.memory_only {
            self.tail.trim(RECENT);
        }
    }

    /// What stands at `offset`, or at the first kept position behind it; `None` at the end.
    pub(crate) fn read(&self, offset: u64) -> Option<Chunk> {
        let recent = self.len - self.tail.len() as u64;
        if let Some(chunk) = self.read_file(offset, recent) {
            return Some(chunk);
        }
        let offset = offset.max(recent);
        let skip = usize::try_from(offset - recent).ok()?;
        let data = self.tail.read(skip)?;
        Some(Chunk { offset, data })
    }

    /// Makes sure that the file has all that is kept, so that memory may be let go.
    pub(crate) fn store(&mut self) -> Layout {
        if self.file.is_none() && !self.memory_only && self.len > 0 {
            self.move_to_file();
        }
        Layout {
            len: self.len,
            in_file: self.file.as_ref().map_or(0, RingFile::end),
        }
    }

    /// The bytes of the budget that the file holds; from here on the caller answers for them and
    /// for the file.
    pub(crate) fn take_share(&mut self) -> u64 {
        self.file.as_mut().map_or(0, RingFile::take_share)
    }

    /// Reads what only the file has.
    fn read_file(&self, offset: u64, recent: u64) -> Option<Chunk> {
        let file = self.file.as_ref()?;
        let offset = file.kept_from(offset);
        if offset >= recent || offset >= file.end() {
            return None;
        }
        match file.read(offset) {
            Ok(data) => Some(Chunk { offset, data }),
            Err(error) => {
                tracing::warn!(%error, "cannot read kept output");
                None
            }
        }
    }

    fn move_to_file(&mut self) {
        let made = RingFile::create(self.place.clone()).and_then(|mut file| {
            self.tail
                .pieces()
                .try_for_each(|piece| file.append(piece))
                .map(|()| file)
        });
        match made {
            Ok(file) => self.file = Some(file),
            Err(error) => self.give_up(&error),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.memory_only {
            return;
        }
        if let Some(Err(error)) = self.file.as_mut().map(|file| file.append(bytes)) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        tracing::warn!(%error, "cannot keep output on disk: its oldest part is dropped");
        self.memory_only = true;
    }
}

#[cfg(test)]
mod tests;
