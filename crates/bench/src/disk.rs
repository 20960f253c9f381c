//! What the disk itself takes.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// A file that grows by one synced write at a time.
pub(crate) struct SyncedFile {
    file: File,
    row: Vec<u8>,
}

impl SyncedFile {
    /// A new file, for rows of `size` bytes.
    pub(crate) fn create(path: &Path, size: usize) -> Result<Self> {
        let file = File::create(path);
        let file = file.with_context(|| format!("cannot make {}", path.display()))?;
        let row = vec![b'x'; size];
        Ok(Self { file, row })
    }

    /// Appends a row and waits until it is on disk.
    pub(crate) fn append(&mut self) -> Result<()> {
        self.file.write_all(&self.row)?;
        self.file.sync_data()?;
        Ok(())
    }
}
