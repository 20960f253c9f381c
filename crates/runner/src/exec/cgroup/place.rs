//! Where a supervisor's groups are: below its own, in version 2, or else in the freezer of
//! version 1.

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::process::{WaitOptions, waitpid};

use super::{Group, directories, remove};
use crate::exec::launch::{Detachment, Launch, launch};
use crate::nothing::nothing;
use crate::orphans::Own;

const MEMBERSHIP: &str = "/proc/self/cgroup";
const MOUNTS: &str = "/proc/self/mountinfo";
/// The beginning of a directory's name that holds a supervisor's groups.
const PREFIX: &str = "reoclo-";

/// Which kind of cgroups there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A hierarchy with the freezer.
    One,
    /// The one hierarchy; `kill` where the kernel ends a whole group at once (Linux 5.14), `born`
    /// where a process can be born in a group (Linux 5.7).
    Two { kill: bool, born: bool },
}

impl Version {
    /// That of a group, as far as its files show.
    pub(super) fn of(group: &Path) -> Self {
        // Version 1 has no such file.
        if group.join("cgroup.controllers").exists() {
            Self::Two {
                kill: group.join("cgroup.kill").exists(),
                born: true,
            }
        } else {
            Self::One
        }
    }
}

/// A directory for the groups of one supervisor.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    version: Version,
    /// Held for as long as the supervisor lives, so that another does not take an empty group for
    /// one that was left.
    _lock: OwnedFd,
}

impl Place {
    pub(super) fn find() -> Option<Self> {
        let membership = fs::read_to_string(MEMBERSHIP).ok()?;
        let mounts = fs::read_to_string(MOUNTS).ok()?;
        [Hierarchy::Two, Hierarchy::Freezer]
            .into_iter()
            .filter_map(|hierarchy| hierarchy.own_group(&membership, &mounts))
            .find_map(|own| Self::make(&own).ok())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn version(&self) -> Version {
        self.version
    }

    /// Where something goes on, the next supervisor removes it.
    pub(super) fn remove_if_empty(&self) {
        for group in directories(&self.path) {
            remove(&group);
        }
        let _ = fs::remove_dir(&self.path);
    }

    /// Only a process that was started in a group shows that it can be: rights, the rules of the
    /// hierarchy and faults of kernels all have a say.
    fn tried_out(mut self) -> io::Result<Self> {
        let tried = self.try_out();
        if let (Err(_), Version::Two { kill, .. }) = (&tried, self.version) {
            self.version = Version::Two { kill, born: false };
            self.try_out()?;
            return Ok(self);
        }
        tried.map(|()| self)
    }

    fn try_out(&self) -> io::Result<()> {
        let group = Group::make(self, 0)?;
        let nothing = nothing()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", ":"]);
        let mut pid = None;
        let own = Own::start(|| {
            let launched = launch(&Launch {
                command: &command,
                known_as: None,
                stdio: [nothing.as_fd(), nothing.as_fd(), nothing.as_fd()],
                entry: group.entry(),
                before: None,
                detachment: Detachment::Group,
            });
            let started = launched.map_err(|error| error.source)?;
            pid = Some(started);
            Ok::<_, io::Error>(started.as_raw_nonzero().get().unsigned_abs())
        });
        let ended = own.and_then(|own| {
            let ended = own.take(|| Some(waitpid(pid, WaitOptions::empty())));
            Ok(ended.transpose()?.flatten())
        });
        remove(&group.path);
        match ended? {
            Some((_, status)) if status.exit_status() == Some(0) => Ok(()),
            _ => Err(io::Error::other("a process did not live in a cgroup")),
        }
    }

    fn make(own: &Path) -> io::Result<Self> {
        remove_left(own);
        let path = create(own)?;
        let made = hold(&path).and_then(|lock| {
            let place = Self {
                path: path.clone(),
                version: Version::of(&path),
                _lock: lock,
            };
            place.tried_out()
        });
        if made.is_err() {
            remove(&path);
        }
        made
    }
}

/// Makes a directory that no other supervisor has, nor had one with this process's id.
fn create(own: &Path) -> io::Result<PathBuf> {
    let mut number = 0;
    loop {
        let path = own.join(format!("{PREFIX}{}-{number}", std::process::id()));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

fn hold(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = open(path, flags, Mode::empty())?;
    flock(&directory, FlockOperation::NonBlockingLockExclusive)?;
    Ok(directory)
}

/// Removes the empty groups of supervisors that are gone.
fn remove_left(own: &Path) {
    let is_ours = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with(PREFIX))
    };
    for path in directories(own).into_iter().filter(is_ours) {
        if let Ok(_lock) = hold(&path) {
            // One with survivors does not hide the others.
            for group in directories(&path) {
                remove(&group);
            }
            let _ = fs::remove_dir(&path);
        }
    }
}

#[derive(Clone, Copy)]
enum Hierarchy {
    Two,
    Freezer,
}

impl Hierarchy {
    /// The directory of the group that this process is in.
    fn own_group(self, membership: &str, mounts: &str) -> Option<PathBuf> {
        let group = membership.lines().find_map(|line| self.group(line))?;
        mounts
            .lines()
            .filter_map(|line| self.mount(line))
            .find_map(|(root, point)| {
                let below = Path::new(group).strip_prefix(&root).ok()?;
                Some(point.join(below))
            })
    }

    /// The path in a line of `/proc/PID/cgroup`, `NUMBER:CONTROLLERS:PATH` (cgroups(7)).
    fn group(self, line: &str) -> Option<&str> {
        let mut parts = line.splitn(3, ':');
        let (number, controllers) = (parts.next()?, parts.next()?);
        let is_it = match self {
            Self::Two => number == "0" && controllers.is_empty(),
            Self::Freezer => controllers.split(',').any(|name| name == "freezer"),
        };
        parts.next().filter(|_| is_it)
    }

    /// Root and mount point in a line of `/proc/PID/mountinfo` (proc_pid_mountinfo(5)).
    fn mount(self, line: &str) -> Option<(PathBuf, PathBuf)> {
        let (before, after) = line.split_once(" - ")?;
        let mut after = after.split(' ');
        let (kind, options) = (after.next()?, after.nth(1)?);
        let is_it = match self {
            Self::Two => kind == "cgroup2",
            Self::Freezer => kind == "cgroup" && options.split(',').any(|name| name == "freezer"),
        };
        let mut before = before.split(' ').skip(3);
        let (root, point) = (before.next()?, before.next()?);
        is_it.then(|| (unescaped(root), unescaped(point)))
    }
}

/// Blanks and the like stand there as `\040`.
fn unescaped(text: &str) -> PathBuf {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        result.push_str(before);
        let code = after
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) if code.is_ascii() => {
                result.push(char::from(code));
                rest = &after[3..];
            }
            _ => {
                result.push('\\');
                rest = after;
            }
        }
    }
    result.push_str(rest);
    PathBuf::from(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "30 23 0:26 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n\
        31 23 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    fn own(hierarchy: Hierarchy, membership: &str, mounts: &str) -> Option<String> {
        let path = hierarchy.own_group(membership, mounts)?;
        Some(path.display().to_string())
    }

    #[test]
    fn the_own_group_is_found_in_each_hierarchy() {
        let service = "6:freezer:/\n1:name=systemd:/x\n0::/system.slice/reoclo-runner.service\n";
        let two = own(Hierarchy::Two, service, HYBRID);
        assert_eq!(
            two.as_deref(),
            Some("/sys/fs/cgroup/unified/system.slice/reoclo-runner.service")
        );
        let freezer = own(Hierarchy::Freezer, service, HYBRID);
        assert_eq!(freezer.as_deref(), Some("/sys/fs/cgroup/freezer/"));
        assert_eq!(own(Hierarchy::Two, "6:freezer:/\n", HYBRID), None);
        assert_eq!(own(Hierarchy::Two, service, ""), None);
    }

    #[test]
    fn a_part_of_a_hierarchy_is_mounted_in_a_container() {
        let mounts = "40 23 0:27 /docker/abc /sys/fs\\040x rw - cgroup2 cgroup rw\n";
        let inside = own(Hierarchy::Two, "0::/docker/abc/init\n", mounts);
        assert_eq!(inside.as_deref(), Some("/sys/fs x/init"));
        assert_eq!(own(Hierarchy::Two, "0::/elsewhere\n", mounts), None);
    }
}
