//! As whom commands run.

use std::ffi::CString;
use std::fs;
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

/// Where programs are looked for, whatever the supervisor's own environment says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/// The user that commands are to run as cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is no such user.
    #[error("there is no user {0:?} in /etc/passwd")]
    Unknown(String),
    /// Only root may run commands as somebody else.
    #[error("only root may run commands as another user, here as {0:?}")]
    NotRoot(String),
    /// A name that hides that commands would have all power.
    #[error("the user {0:?} is root under another name: name root if that is meant")]
    Root(String),
    /// The list of users or groups cannot be read.
    #[error("cannot read {0}")]
    Unreadable(&'static str, #[source] io::Error),
}

/// A user of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    name: String,
    home: String,
    shell: String,
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

/// Whether this process could run commands as the named user, or as its own without a name.
///
/// # Errors
/// Says why not: there is no such user, or only root may become another.
pub fn check_exec_user(name: Option<&str>) -> Result<(), UserError> {
    User::find(name).map(drop)
}

impl User {
    /// Looks the user up: the named one, or the one that this process runs as.
    pub(crate) fn find(name: Option<&str>) -> Result<Self, UserError> {
        let me = geteuid();
        let passwd = read("/etc/passwd");
        match name {
            None => Ok(passwd.map_or_else(
                |_| Self::nameless(me),
                |passwd| own(&passwd, me).unwrap_or_else(|| Self::nameless(me)),
            )),
            Some(name) => {
                let groups = read("/etc/group")?;
                named(name, me, &passwd?, &groups)
            }
        }
    }

    /// Variables that every command gets.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("PATH", PATH.to_owned()),
            ("HOME", self.home.clone()),
            ("USER", self.name.clone()),
            ("LOGNAME", self.name.clone()),
            ("LANG", "C.UTF-8".to_owned()),
            ("SHELL", self.shell.clone()),
        ];
        let uid = self.switch.as_ref().map_or_else(geteuid, |ids| ids.uid);
        // Where the user's own services are, such as a rootless Docker; made at a login.
        let runtime = format!("/run/user/{}", uid.as_raw());
        if Path::new(&runtime).is_dir() {
            variables.push(("XDG_RUNTIME_DIR", runtime));
        }
        variables
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

    /// One that is in no list, as in a container.
    fn nameless(uid: Uid) -> Self {
        Self {
            name: uid.as_raw().to_string(),
            home: "/".to_owned(),
            shell: "/bin/sh".to_owned(),
            switch: None,
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

fn read(path: &'static str) -> Result<String, UserError> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(UserError::Unreadable(path, error)),
    }
}

fn own(passwd: &str, me: Uid) -> Option<User> {
    let entry = entries(passwd).find(|entry| entry.uid == me)?;
    Some(entry.user(None))
}

fn named(name: &str, me: Uid, passwd: &str, groups: &str) -> Result<User, UserError> {
    let entry = entries(passwd)
        .find(|entry| entry.name == name)
        .ok_or_else(|| UserError::Unknown(name.to_owned()))?;
    if entry.uid.is_root() && name != "root" {
        return Err(UserError::Root(name.to_owned()));
    }
    if entry.uid == me {
        return Ok(entry.user(None));
    }
    if !me.is_root() {
        return Err(UserError::NotRoot(name.to_owned()));
    }
    let ids = Ids {
        uid: entry.uid,
        gid: entry.gid,
        groups: groups_of(name, entry.gid, groups),
    };
    Ok(entry.user(Some(ids)))
}

/// A line of `/etc/passwd` (passwd(5)).
struct Entry<'a> {
    name: &'a str,
    uid: Uid,
    gid: Gid,
    home: &'a str,
    shell: &'a str,
}

impl Entry<'_> {
    fn user(&self, switch: Option<Ids>) -> User {
        let or =
            |text: &str, otherwise: &str| if text.is_empty() { otherwise } else { text }.to_owned();
        User {
            name: self.name.to_owned(),
            home: or(self.home, "/"),
            shell: or(self.shell, "/bin/sh"),
            switch,
        }
    }
}

fn entries(passwd: &str) -> impl Iterator<Item = Entry<'_>> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let mut number = || fields.nth(1)?.parse().ok();
        let uid = Uid::from_raw(number()?);
        let gid = Gid::from_raw(fields.next()?.parse().ok()?);
        let home = fields.nth(1)?;
        let shell = fields.next()?;
        Some(Entry {
            name,
            uid,
            gid,
            home,
            shell,
        })
    })
}

/// The user's own group and those that list the user (group(5)).
fn groups_of(name: &str, own: Gid, groups: &str) -> Vec<Gid> {
    let listed = groups.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let gid = fields.nth(2)?.parse().ok()?;
        let is_member = fields.next()?.split(',').any(|member| member == name);
        is_member.then(|| Gid::from_raw(gid))
    });
    let mut all: Vec<Gid> = std::iter::once(own).chain(listed).collect();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        broken\n\
        ci:x:1001:1002:CI,,,:/home/ci:\n";
    const GROUPS: &str = "root:x:0:\nci:x:1002:\ndocker:x:998:dev,ci\nother:x:5:cinema\n";

    #[test]
    fn a_user_is_found_with_all_groups() {
        let user = named("ci", Uid::ROOT, PASSWD, GROUPS).unwrap();
        assert_eq!(
            (user.home.as_str(), user.shell.as_str()),
            ("/home/ci", "/bin/sh")
        );
        let ids = user.switch.unwrap();
        assert_eq!((ids.uid.as_raw(), ids.gid.as_raw()), (1001, 1002));
        let groups: Vec<u32> = ids.groups.iter().map(|gid| gid.as_raw()).collect();
        assert_eq!(groups, [1002, 998]);
    }

    #[test]
    fn oneself_needs_no_switch() {
        let user = named("ci", Uid::from_raw(1001), PASSWD, GROUPS).unwrap();
        assert_eq!(user.switch, None);
        assert_eq!(own(PASSWD, Uid::ROOT).unwrap().home, "/root");
    }

    #[test]
    fn others_are_refused() {
        let unknown = named("nobody", Uid::ROOT, PASSWD, GROUPS);
        assert!(matches!(unknown, Err(UserError::Unknown(_))));
        let not_root = named("root", Uid::from_raw(1001), PASSWD, GROUPS);
        assert!(matches!(not_root, Err(UserError::NotRoot(_))));
        let toor = "toor:x:0:0::/root:/bin/sh\n";
        let renamed = named("toor", Uid::ROOT, toor, GROUPS);
        assert!(matches!(renamed, Err(UserError::Root(_))));
    }
}
