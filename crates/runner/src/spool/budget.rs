use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use reoclo_domain::OperationId;

use super::remove;
use crate::mutex::lock;

/// How many bytes all output on disk may take together.
///
/// When it is used up, the output of the oldest finished operation goes; its outcome stays.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    usage: Mutex<Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    used: u64,
    /// What may go. Ids are UUIDv7: the first is the oldest.
    finished: BTreeMap<OperationId, Finished>,
}

#[derive(Debug)]
struct Finished {
    bytes: u64,
    files: [PathBuf; 2],
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            usage: Mutex::default(),
        }
    }

    /// Takes bytes for output that is being written.
    pub(crate) fn take(&self, bytes: u64) -> io::Result<()> {
        let mut usage = lock(&self.usage);
        while usage.used + bytes > self.limit {
            let Some((_, oldest)) = usage.finished.pop_first() else {
                return Err(io::Error::new(
                    io::ErrorKind::StorageFull,
                    "the spool is full",
                ));
            };
            usage.used = usage.used.saturating_sub(oldest.bytes);
            oldest.files.iter().for_each(|file| remove(file));
        }
        usage.used += bytes;
        Ok(())
    }

    /// Gives back what was taken and is not used.
    pub(crate) fn give_back(&self, bytes: u64) {
        let mut usage = lock(&self.usage);
        usage.used = usage.used.saturating_sub(bytes);
    }

    /// The operation has finished: the bytes that were taken for it may be had again.
    pub(super) fn hand_over(&self, id: OperationId, bytes: u64, files: [PathBuf; 2]) {
        if bytes > 0 {
            let finished = Finished { bytes, files };
            lock(&self.usage).finished.insert(id, finished);
        }
    }

    /// Counts output that was there before this process.
    pub(super) fn adopt(&self, id: OperationId, bytes: u64, files: [PathBuf; 2]) {
        lock(&self.usage).used += bytes;
        self.hand_over(id, bytes, files);
    }

    /// The operation's files go.
    pub(super) fn release(&self, id: OperationId) {
        let mut usage = lock(&self.usage);
        if let Some(finished) = usage.finished.remove(&id) {
            usage.used = usage.used.saturating_sub(finished.bytes);
        }
    }

    #[cfg(test)]
    pub(crate) fn used(&self) -> u64 {
        lock(&self.usage).used
    }
}
