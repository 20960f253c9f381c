//! Which supervisor the runner finds. The front holds the lock in the data directory, and the
//! names of the sockets there lead to its own in `supervisors/ID`. One that it has succeeded goes
//! on with its last commands behind it: its lock lies beside its sockets then, which keep their
//! place.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use super::SupervisorError;
use crate::data_dir::{DataDir, SOCKET, STATUS_SOCKET, SUPERVISORS, make_private};
use crate::lock::{self, Lock, SUCCEEDED_LOCK, SUPERVISOR_LOCK, lock_handover, lock_supervisor};
use crate::socket;
use crate::status::{Request, ask, program_id};

const NAMES: [&str; 2] = [SOCKET, STATUS_SOCKET];

/// A supervisor's own place, and the way to it.
pub(super) struct Front {
    data: DataDir,
    place: Place,
    pub(super) listener: UnixListener,
    pub(super) questions: UnixListener,
    _lock: Lock,
}

/// Where the sockets of one supervisor are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) instance_id: String,
    /// A directory of its own.
    pub(super) dir: DataDir,
}

impl Place {
    fn of(data: &DataDir, instance_id: &str) -> Self {
        Self {
            instance_id: instance_id.to_owned(),
            dir: DataDir::unopened(&data.join(SUPERVISORS).join(instance_id)),
        }
    }

    /// Whether the supervisor, which was succeeded, is there.
    pub(super) fn is_alive(&self) -> bool {
        lock::is_held(&self.dir.join(SUCCEEDED_LOCK))
    }

    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(self.dir.path())
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "cannot remove the place of a supervisor that has ended");
        }
    }
}

impl Front {
    /// Takes the place of the front. A supervisor of another program that is there goes on behind
    /// it; of one of the same program this is one too many.
    pub(super) async fn take(data: &DataDir, instance_id: &str) -> Result<Self, SupervisorError> {
        let _turn = lock_handover(data).await?;
        make_private(&data.join(SUPERVISORS)).map_err(SupervisorError::Socket)?;
        if let Some(before) = another_program(data).await {
            move_aside(data, &before).map_err(SupervisorError::Succession)?;
        }
        let lock = lock_supervisor(data).await?;
        let place = Place::of(data, instance_id);
        let listen = |name| {
            make_private(place.dir.path())?;
            socket::listen(&place.dir, name)
        };
        let front = Self {
            listener: listen(SOCKET).map_err(SupervisorError::Socket)?,
            questions: listen(STATUS_SOCKET).map_err(SupervisorError::Socket)?,
            data: data.clone(),
            place,
            _lock: lock,
        };
        front.lead_here().map_err(SupervisorError::Socket)?;
        Ok(front)
    }

    /// Those that were succeeded and are still there. What others left of themselves is removed.
    pub(super) fn predecessors(&self) -> io::Result<Vec<Place>> {
        let mut alive = Vec::new();
        for entry in fs::read_dir(self.data.join(SUPERVISORS))? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let place = Place::of(&self.data, name);
            if place.is_alive() {
                alive.push(place);
            } else if name != self.place.instance_id {
                place.remove();
            }
        }
        Ok(alive)
    }

    /// Has the names in the data directory lead to this supervisor. A predecessor of 0.1.0 removes
    /// them when it ends.
    pub(super) fn lead_here(&self) -> io::Result<()> {
        // Whoever has succeeded this one has moved its lock.
        if self.place.is_alive() {
            return Ok(());
        }
        NAMES.into_iter().try_for_each(|name| {
            let target = target(&self.place.instance_id, name);
            let path = self.data.join(name);
            if fs::read_link(&path).is_ok_and(|found| found == target) {
                return Ok(());
            }
            let new = self.data.join(&format!("{name}.new"));
            socket::remove(&self.data, &format!("{name}.new"))?;
            symlink(&target, &new)?;
            fs::rename(new, path)
        })
    }

    /// No way leads here any more.
    pub(super) fn close(&self) -> io::Result<()> {
        for name in NAMES {
            let target = target(&self.place.instance_id, name);
            if fs::read_link(self.data.join(name)).is_ok_and(|found| found == target) {
                socket::remove(&self.data, name)?;
            }
        }
        for name in NAMES {
            socket::remove(&self.place.dir, name)?;
        }
        Ok(())
    }
}

impl Drop for Front {
    /// Where it was succeeded, whoever did so removes the rest when the lock is free.
    fn drop(&mut self) {
        if !self.place.is_alive() {
            self.place.remove();
        }
    }
}

fn target(instance_id: &str, name: &str) -> PathBuf {
    Path::new(SUPERVISORS).join(instance_id).join(name)
}

/// The instance of the front, if it answers and is of another program.
async fn another_program(data: &DataDir) -> Option<String> {
    let own = program_id().ok()?;
    let answer = ask(data, Request::Status).await.ok()?;
    // It names a directory.
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (answer.program != own && is_name(&answer.instance_id)).then_some(answer.instance_id)
}

/// The lock goes first and the socket that answers last, so that whoever comes after a crash finds
/// what is left to be done. A supervisor of 0.1.0 has its sockets themselves in the data directory.
fn move_aside(data: &DataDir, instance_id: &str) -> io::Result<()> {
    let place = Place::of(data, instance_id);
    make_private(place.dir.path())?;
    if !place.dir.join(SUCCEEDED_LOCK).exists() {
        fs::rename(data.join(SUPERVISOR_LOCK), place.dir.join(SUCCEEDED_LOCK))?;
    }
    for name in NAMES {
        let path = data.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_symlink()) {
            fs::rename(path, place.dir.join(name))?;
        }
    }
    Ok(())
}

/// The instances of these.
pub(super) fn instances(places: &[Place]) -> HashSet<String> {
    places
        .iter()
        .map(|place| place.instance_id.clone())
        .collect()
}
