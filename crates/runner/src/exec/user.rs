//! As whom commands run.

mod lookup;
mod name;
mod users;

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::fchown;
use rustix::process::{Gid, Uid, chdir, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::launch::Before;
use super::look;
use crate::look_up::Account;

pub use lookup::UserLookup;
pub use name::NameError;
pub(crate) use users::{Users, Who};

/// Where programs are looked for, whatever the supervisor's own environment says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// The user that commands are to run as cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// Nobody can have such a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Every source has answered, and none has such a user.
    #[error(
        "there is no user {0:?} on this host: create it, or name another for commands with \
         --exec-user"
    )]
    Unknown(String),
    /// A source did not answer, so nobody knows whether there is such a user.
    #[error(
        "cannot look up the user {name:?} now: {why}; try again, and if it stays so, see what is \
         wrong with the name services of this host (`getent passwd` asks them too)"
    )]
    Source {
        /// Whom.
        name: String,
        /// What is known of the failure.
        why: String,
    },
    /// Only root may run commands as somebody else.
    #[error("only root may run commands as another user, here as {0:?}")]
    NotRoot(String),
    /// A name that hides that commands would have all power.
    #[error("the user {0:?} is root under another name: name root if that is meant")]
    Root(String),
}

/// A user of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    name: String,
    uid: Uid,
    home: OsString,
    shell: OsString,
    /// Whose ids the commands take on; `None` when the supervisor runs as that user already.
    switch: Option<Ids>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Ids {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Ids {
    fn may_enter(&self, directory: &Path) -> bool {
        let Ok(found) = directory.metadata() else {
            return true;
        };
        let shift = if found.uid() == self.uid.as_raw() {
            6
        } else if self.groups.iter().any(|gid| gid.as_raw() == found.gid()) {
            3
        } else {
            0
        };
        self.uid.is_root() || (found.mode() >> shift) & 1 == 1
    }
}

/// Whether this process could run commands as the named user, or as its own without a name; gives
/// that user's number. A source that does not answer now may do so when a command needs it: then
/// it is `None`, and the log says it.
///
/// # Errors
/// Says why not: there is no such user, or only root may become another.
pub async fn check_exec_user(
    name: Option<&str>,
    lookup: &UserLookup,
) -> Result<Option<u32>, UserError> {
    let Some(name) = name else {
        return Ok(Some(geteuid().as_raw()));
    };
    match users::find_named(name, lookup).await {
        Ok(user) => Ok(Some(user.uid.as_raw())),
        Err(error @ UserError::Source { .. }) => {
            tracing::warn!(%error, "commands are refused until it can be");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl User {
    /// One that a source knows; who is another than this process's own is switched to.
    fn of(account: Account, is_other: bool) -> Self {
        let or = |path: PathBuf, otherwise: &str| {
            let text = path.into_os_string();
            if text.is_empty() {
                otherwise.into()
            } else {
                text
            }
        };
        let ids = Ids {
            uid: Uid::from_raw(account.uid),
            gid: Gid::from_raw(account.gid),
            groups: account.groups.into_iter().map(Gid::from_raw).collect(),
        };
        Self {
            name: account.name,
            uid: ids.uid,
            home: or(account.home, "/"),
            shell: or(account.shell, "/bin/sh"),
            switch: is_other.then_some(ids),
        }
    }

    /// One that no source knows.
    fn nameless(uid: Uid, home: &Path) -> Self {
        Self {
            name: uid.as_raw().to_string(),
            uid,
            home: home.into(),
            shell: "/bin/sh".into(),
            switch: None,
        }
    }

    /// Variables that every command gets.
    pub(super) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let mut variables: Vec<(_, OsString)> = vec![
            ("PATH", PATH.into()),
            ("HOME", self.home.clone()),
            ("USER", self.name.clone().into()),
            ("LOGNAME", self.name.clone().into()),
            ("LANG", "C.UTF-8".into()),
            ("SHELL", self.shell.clone()),
        ];
        // Where the user's own services are, such as a rootless Docker; made at a login.
        let runtime = format!("/run/user/{}", self.uid.as_raw());
        if Path::new(&runtime).is_dir() {
            variables.push(("XDG_RUNTIME_DIR", runtime.into()));
        }
        variables
    }

    /// Looks at files as this user, who may see other ones than this process. Must not be called on
    /// a runtime's thread.
    pub(super) fn look<T: Send>(&self, look: impl FnOnce() -> T + Send) -> io::Result<T> {
        match &self.switch {
            None => Ok(look()),
            Some(ids) => look::look_as(ids.uid, ids.gid, &ids.groups, look),
        }
    }

    pub(super) fn uid(&self) -> Uid {
        self.uid
    }

    /// What people call the user.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Gives the user a pipe of a command, who may then open it anew, as `/dev/stdout`.
    pub(super) fn own(&self, pipe: impl AsFd) -> io::Result<()> {
        match &self.switch {
            Some(ids) => Ok(fchown(pipe, Some(ids.uid), Some(ids.gid))?),
            None => Ok(()),
        }
    }

    /// The first directory on the way that this user may not enter, by its mode; none where
    /// something else is at fault.
    pub(super) fn closed_directory(&self, path: &Path) -> Option<PathBuf> {
        let ids = self.switch.as_ref()?;
        let path = path.canonicalize().ok()?;
        let mut on_the_way: Vec<&Path> = path.ancestors().collect();
        on_the_way.reverse();
        let closed = on_the_way.into_iter().find(|next| !ids.may_enter(next));
        closed.map(Path::to_owned)
    }

    /// Where commands start that name no directory: at home, as with a login.
    pub(super) fn start_directory(&self) -> PathBuf {
        let home = Path::new(&self.home);
        if home.is_absolute() && home.is_dir() {
            home.to_owned()
        } else {
            PathBuf::from("/")
        }
    }

    /// Makes the command run in `directory`, as this user; what has to be done for that in the
    /// child is given back.
    pub(super) fn become_in(&self, command: &mut Command, directory: &Path) -> Option<Before> {
        match self.switch.clone() {
            None => {
                command.current_dir(directory);
                None
            }
            Some(ids) => Some(switch(ids, directory.to_owned())),
        }
    }
}

/// Four system calls on values that were made before; it allocates nothing and takes no lock.
fn switch(ids: Ids, directory: PathBuf) -> Before {
    // A name with a NUL character was refused before; an empty one is refused by chdir.
    let directory = CString::new(directory.into_os_string().into_vec()).unwrap_or_default();
    Box::new(move || {
        // The system's own calls: those of the C library would change every thread of this
        // process, whose memory the child has.
        set_thread_groups(&ids.groups)?;
        set_thread_res_gid(ids.gid, ids.gid, ids.gid)?;
        set_thread_res_uid(ids.uid, ids.uid, ids.uid)?;
        // As the user: root may enter where the user may not.
        chdir(directory.as_c_str())?;
        Ok(())
    })
}
