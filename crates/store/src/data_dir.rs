//! The data directory, held by one process at a time.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A data directory that no other process uses while this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Locked until it is dropped, also by a crash.
    _lock: File,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("the data directory {path} is in use by another Reoclo (pid {pid})")]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other process, as it wrote itself down.
        pid: String,
    },
    /// The path leads to something else.
    #[error("the data directory {0} is not a directory")]
    NotADirectory(PathBuf),
    /// Everybody uses it, or other programs do.
    #[error(
        "the data directory {0} has what is not Reoclo's in it, and would be closed to everybody \
         else: give --data-dir a directory of its own"
    )]
    Shared(PathBuf),
    /// It cannot be made, or nothing can be written in it.
    #[error("the data directory {path} is not writable")]
    Unwritable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl DataDir {
    /// Locks the directory, making it if it is not there. It and the files in it become their
    /// owner's alone, whatever they were.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let unwritable = |source| DataDirError::Unwritable {
            path: path.to_owned(),
            source,
        };
        if path.exists() && !path.is_dir() {
            return Err(DataDirError::NotADirectory(path.to_owned()));
        }
        if is_shared(path) {
            return Err(DataDirError::Shared(path.to_owned()));
        }
        create(path).map_err(unwritable)?;
        let mut lock = open_lock(path).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => write_pid(&mut lock).map_err(unwritable)?,
            Err(TryLockError::WouldBlock) => {
                let path = path.to_owned();
                let pid = read_pid(&mut lock);
                return Err(DataDirError::InUse { path, pid });
            }
            Err(TryLockError::Error(source)) => return Err(unwritable(source)),
        }
        close_to_others(path).map_err(unwritable)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the embedded database is.
    pub fn database_path(&self) -> PathBuf {
        self.path.join("reoclo.db")
    }
}

/// Whether the directory is one that others need: the root, a directory for everybody's temporary
/// files, or one with directories of other programs in it.
fn is_shared(path: &Path) -> bool {
    let Ok(found) = path.metadata() else {
        return false;
    };
    let mode = found.permissions().mode();
    if mode & 0o1000 != 0
        || path
            .canonicalize()
            .is_ok_and(|path| path.parent().is_none())
    {
        return true;
    }
    if mode.trailing_zeros() >= 6 || path.join("lock").exists() || path.join("master.key").exists()
    {
        return false;
    }
    let mut entries = fs::read_dir(path).into_iter().flatten().flatten();
    let is_foreign = |entry: fs::DirEntry| {
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        is_directory
            && !["runner", "lost+found"]
                .iter()
                .any(|own| entry.file_name() == *own)
    };
    entries.any(is_foreign)
}

/// Takes the permissions of others from the directory and what lies in it. Links are not
/// followed: what they lead to lies somewhere else.
fn close_to_others(path: &Path) -> io::Result<()> {
    let found = path.metadata()?;
    let was_open = found.permissions().mode() & 0o077 != 0;
    close(path, &found, was_open)?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let found = match entry.metadata() {
            // A file of the database that was there a moment ago.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            found => found?,
        };
        if found.is_dir() || found.is_file() {
            close(&entry.path(), &found, was_open)?;
        }
    }
    Ok(())
}

/// What others could reach is told; a file in a directory that was closed was out of their reach.
fn close(path: &Path, found: &Metadata, was_open: bool) -> io::Result<()> {
    let mode = found.permissions().mode() & 0o7777;
    let own = if found.is_dir() { 0o700 } else { 0o600 };
    let wanted = if found.is_dir() {
        own
    } else {
        mode & 0o700 | own
    };
    if mode == wanted {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(wanted)) {
        // Another's, as on some volumes of containers: it is theirs to close.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(path = %path.display(), "other users may read what belongs to Reoclo");
            Ok(())
        }
        Ok(()) if was_open && mode & 0o077 != 0 => {
            let path = path.display();
            tracing::warn!(%path, "other users had permissions here, and have none any more");
            Ok(())
        }
        done => done,
    }
}

fn create(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn open_lock(directory: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(directory.join("lock"))
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

/// The text that the holder wrote; it is for people only, so anything unexpected is `unknown`.
fn read_pid(lock: &mut File) -> String {
    let mut text = String::new();
    let _ = lock.take(20).read_to_string(&mut text);
    let pid = text.trim();
    if !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()) {
        pid.to_owned()
    } else {
        "unknown".to_owned()
    }
}
