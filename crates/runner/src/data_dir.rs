//! The directory that a runner and its supervisor share, readable by their user alone.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Name of the supervisor's socket in the data directory.
pub(crate) const SOCKET: &str = "supervisor.sock";
/// Name of the directory in which each supervisor has a place of its own.
pub(crate) const SUPERVISORS: &str = "supervisors";
/// Name of the socket on which the supervisor says how it is.
pub(crate) const STATUS_SOCKET: &str = "status.sock";

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the data directory {path}")]
pub struct DataDirError {
    path: PathBuf,
    source: io::Error,
}

/// The data directory; made on opening.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Makes the directory if it is missing, and takes everybody else's access away.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirError> {
        make_private(path).map_err(|source| DataDirError {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Opens the directory that a runner has made. One that was removed since is not made again:
    /// nobody would ever look there.
    pub(crate) fn open_existing(path: &Path) -> Result<Self, DataDirError> {
        fs::metadata(path).map_err(|source| DataDirError {
            path: path.to_owned(),
            source,
        })?;
        Self::open(path)
    }

    /// For looking only: nothing is made.
    pub(crate) fn unopened(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Replaces a file as a whole, so that a crash leaves the old or the new one, on disk before
    /// this returns.
    pub(crate) fn replace(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let temporary = self.join(&format!("{name}.new"));
        let mut file = private_file()
            .truncate(true)
            .create(true)
            .open(&temporary)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(temporary, self.join(name))?;
        self.sync()
    }

    /// Has the names of its files on disk before this returns.
    pub(crate) fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Options for writing a file that only its owner may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Makes a directory that only its owner may enter.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_gets_in() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let dir = DataDir::open(&path).unwrap();
        dir.replace("file", b"one").unwrap();
        dir.replace("file", b"two").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&dir.join("file")), 0o600);
        assert_eq!(fs::read(dir.join("file")).unwrap(), b"two");
    }
}
