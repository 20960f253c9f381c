//! The directory that everything is made in. When it goes, every process that uses it goes first.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::processes;

/// A new directory; dropping it ends the processes that name it and removes it.
pub(crate) struct Scratch {
    directory: TempDir,
    paths: Cell<u32>,
}

impl Scratch {
    pub(crate) fn create(parent: &Path) -> Result<Self> {
        let made = tempfile::Builder::new()
            .prefix("reoclo-bench-")
            .tempdir_in(parent);
        let made = made.with_context(|| format!("cannot make a directory in {}", parent.display()));
        Ok(Self {
            directory: made?,
            paths: Cell::new(0),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// A path in it that nothing has used yet.
    pub(crate) fn new_path(&self, name: &str) -> PathBuf {
        self.paths.set(self.paths.get() + 1);
        self.path().join(format!("{name}-{}", self.paths.get()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        clean(self.path());
    }
}

/// Ends every process that names the directory, and removes it.
pub(crate) fn clean(directory: &Path) {
    processes::end_all(directory);
    // What cannot be removed is left to whoever looks after such directories.
    let _ = fs::remove_dir_all(directory);
}
