//! The supervisor's unix sockets.
//!
//! Their paths may be longer than the 108 bytes that a socket's address holds, so they are reached
//! through a descriptor of their directory.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use rustix::fs::OFlags;
use tokio::net::{UnixListener, UnixStream};

use crate::data_dir::DataDir;

/// Listens, in the place of a socket that a killed supervisor left behind. The caller holds the
/// supervisor's lock.
pub(crate) fn listen(dir: &DataDir, name: &str) -> io::Result<UnixListener> {
    remove(dir, name)?;
    let (_held, path) = short_path(dir, name)?;
    let listener = UnixListener::bind(&path)?;
    // The directory already keeps others out; this says so once more.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Connects to the supervisor, if one listens.
pub(crate) async fn connect(dir: &DataDir, name: &str) -> io::Result<UnixStream> {
    let (_held, path) = short_path(dir, name)?;
    UnixStream::connect(path).await
}

/// Removes the socket's file.
pub(crate) fn remove(dir: &DataDir, name: &str) -> io::Result<()> {
    match fs::remove_file(dir.join(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A path that is valid as long as the descriptor is held.
fn short_path(dir: &DataDir, name: &str) -> io::Result<(File, PathBuf)> {
    let flags = (OFlags::PATH | OFlags::DIRECTORY).bits();
    let held = OpenOptions::new()
        .read(true)
        .custom_flags(flags.cast_signed())
        .open(dir.path())?;
    let path = format!("/proc/self/fd/{}/{name}", held.as_raw_fd());
    Ok((held, path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::SOCKET;

    #[tokio::test]
    async fn a_path_longer_than_an_address_is_no_obstacle() {
        let parent = tempfile::tempdir().unwrap();
        let deep = parent.path().join("d".repeat(120)).join("e".repeat(120));
        let dir = DataDir::open(&deep).unwrap();
        let first = listen(&dir, SOCKET).unwrap();
        drop(first);
        let second = listen(&dir, SOCKET).unwrap();
        let (near, far) = tokio::join!(connect(&dir, SOCKET), second.accept());
        near.unwrap();
        far.unwrap();
        remove(&dir, SOCKET).unwrap();
        assert!(connect(&dir, SOCKET).await.is_err());
    }
}
