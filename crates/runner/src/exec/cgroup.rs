//! A cgroup for each command, where this process may make one: whatever the command starts is in
//! it, however it is started.
//!
//! Groups are used again once nothing is left in them, so that a command costs none. Where what a
//! command left goes on, its group stays, and is removed when it is empty.

mod place;

use std::collections::VecDeque;
use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::process::Signal;

use super::launch::Entry;
use crate::mutex::lock;
use crate::process;

use place::Place;
pub(super) use place::Version;

/// Groups that wait to be used again.
const MOST_IDLE: usize = 16;
/// Groups with survivors that are looked at when a command ends.
const LOOKED_AT: usize = 2;
/// How often a frozen or emptied group is looked at before the next step is taken all the same.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(5);

/// All groups of a supervisor.
#[derive(Debug)]
pub(crate) struct Groups {
    /// `None` where no group can be made.
    place: Option<Place>,
    /// A command could not enter its group, and so none will.
    broken: AtomicBool,
    idle: Mutex<Vec<Group>>,
    /// Those in which something goes on.
    lingering: Mutex<VecDeque<PathBuf>>,
    next: AtomicU64,
}

/// The group of one command.
#[derive(Debug)]
pub(super) struct Group {
    version: Version,
    path: PathBuf,
    directory: OwnedFd,
    /// What a command writes itself into that is not born here.
    tasks: Option<OwnedFd>,
    /// A group that was killed is not used again: some kernels kill what is born there later.
    was_killed: AtomicBool,
}

impl Groups {
    /// Finds a place for them.
    pub(crate) fn open() -> Self {
        let place = Place::find();
        if let Some(place) = &place {
            tracing::info!(
                directory = %place.path().display(),
                version = ?place.version(),
                "each command has a cgroup of its own"
            );
        } else {
            tracing::info!("no cgroup can be made here: commands are found by their tree");
        }
        Self::at(place)
    }

    /// No groups at all.
    pub(crate) fn none() -> Self {
        Self::at(None)
    }

    fn at(place: Option<Place>) -> Self {
        Self {
            place,
            broken: AtomicBool::new(false),
            idle: Mutex::default(),
            lingering: Mutex::default(),
            next: AtomicU64::new(1),
        }
    }

    /// An empty group, where there can be one.
    pub(super) fn take(&self) -> Option<Group> {
        let place = self.place.as_ref()?;
        if self.broken.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(group) = lock(&self.idle).pop() {
            return Some(group);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        match Group::make(place, number) {
            Ok(group) => Some(group),
            Err(error) => {
                tracing::warn!(%error, "a command gets no cgroup of its own");
                None
            }
        }
    }

    /// The group that another supervisor had made for a command, if it is there.
    pub(super) fn left_at(&self, path: &Path) -> Option<Group> {
        // Where no group can be made, none that is there can be used.
        self.place.as_ref()?;
        Group::left(path).ok()
    }

    /// The group's command and everything that was to end with it have ended.
    pub(super) fn give_back(&self, group: Group) {
        if group.was_killed.load(Ordering::Relaxed) {
            if !remove(&group.path) {
                lock(&self.lingering).push_back(group.path);
            }
        } else if !group.is_empty() {
            lock(&self.lingering).push_back(group.path);
        } else if lock(&self.idle).len() < MOST_IDLE {
            lock(&self.idle).push(group);
        } else {
            remove(&group.path);
        }
        self.remove_left(LOOKED_AT);
    }

    /// Commands cannot enter groups here after all.
    pub(super) fn give_up(&self, group: &Group, error: &io::Error) {
        tracing::warn!(%error, "commands cannot enter a cgroup of their own, and get none");
        self.broken.store(true, Ordering::Relaxed);
        remove(&group.path);
    }

    /// Removes groups that have become empty.
    fn remove_left(&self, most: usize) {
        let mut lingering = lock(&self.lingering);
        for _ in 0..most.min(lingering.len()) {
            if let Some(path) = lingering.pop_front()
                && !remove(&path)
            {
                lingering.push_back(path);
            }
        }
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in lock(&self.idle).drain(..) {
            remove(&group.path);
        }
        self.remove_left(usize::MAX);
        if let Some(place) = &self.place {
            place.remove_if_empty();
        }
    }
}

impl Group {
    fn make(place: &Place, number: u64) -> io::Result<Self> {
        let path = place.path().join(number.to_string());
        fs::create_dir(&path)?;
        let directory = open(
            &path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let file = match place.version() {
            Version::One => Some(c"tasks"),
            Version::Two { born: false, .. } => Some(c"cgroup.procs"),
            Version::Two { born: true, .. } => None,
        };
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let tasks = file
            .map(|file| openat(&directory, file, flags, Mode::empty()))
            .transpose()?;
        Ok(Self {
            was_killed: AtomicBool::new(false),
            version: place.version(),
            path,
            directory,
            tasks,
        })
    }

    /// One of a supervisor that is gone; nothing more is started in it.
    fn left(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(path, flags, Mode::empty())?;
        Ok(Self {
            was_killed: AtomicBool::new(true),
            version: Version::of(path),
            path: path.to_owned(),
            directory,
            tasks: None,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How a process gets in before it runs anything.
    pub(super) fn entry(&self) -> Entry<'_> {
        match &self.tasks {
            Some(tasks) => Entry::Written(tasks.as_fd()),
            None => Entry::Born {
                directory: self.directory.as_fd(),
                processes: c"cgroup.procs",
            },
        }
    }

    /// Whether no process is in it, nor in a group that a command made below it.
    pub(super) fn is_empty(&self) -> bool {
        match self.version {
            Version::Two { .. } => self
                .read(c"cgroup.events")
                .is_ok_and(|events| events.lines().any(|line| line == "populated 0")),
            Version::One => self.processes().is_empty(),
        }
    }

    /// The processes in it and below it.
    pub(super) fn processes(&self) -> Vec<u32> {
        let mut all = Vec::new();
        collect(&self.path, &mut all);
        all
    }

    /// Kills everything that is in it: in one step, or while nothing in it can run.
    pub(super) fn kill(&self) {
        self.was_killed.store(true, Ordering::Relaxed);
        if matches!(self.version, Version::Two { kill: true, .. })
            && self.write(c"cgroup.kill", "1").is_ok()
        {
            return;
        }
        self.freeze(true);
        for pid in self.processes() {
            process::signal(pid, Signal::KILL);
        }
        self.freeze(false);
    }

    /// Without effect where the kernel has none of it; the caller looks again afterwards.
    fn freeze(&self, frozen: bool) {
        let (file, value) = match (self.version, frozen) {
            (Version::Two { .. }, true) => (c"cgroup.freeze", "1"),
            (Version::Two { .. }, false) => (c"cgroup.freeze", "0"),
            (Version::One, true) => (c"freezer.state", "FROZEN"),
            (Version::One, false) => (c"freezer.state", "THAWED"),
        };
        if self.write(file, value).is_err() || !frozen {
            return;
        }
        for _ in 0..LOOKS {
            if self.is_frozen() {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }

    fn is_frozen(&self) -> bool {
        match self.version {
            Version::Two { .. } => self
                .read(c"cgroup.events")
                .is_ok_and(|events| events.lines().any(|line| line == "frozen 1")),
            Version::One => self
                .read(c"freezer.state")
                .is_ok_and(|state| state.trim() == "FROZEN"),
        }
    }

    fn read(&self, name: &CStr) -> io::Result<String> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::empty())?;
        io::read_to_string(fs::File::from(file))
    }

    fn write(&self, name: &CStr, value: &str) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(&self.directory, name, flags, Mode::empty())?;
        rustix::io::write(file, value.as_bytes())?;
        Ok(())
    }
}

fn collect(path: &Path, all: &mut Vec<u32>) {
    let listed = fs::read_to_string(path.join("cgroup.procs")).unwrap_or_default();
    all.extend(listed.lines().filter_map(|line| line.parse::<u32>().ok()));
    for below in directories(path) {
        collect(&below, all);
    }
}

fn directories(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Removes a group and those below it; `false` when something is in one.
fn remove(path: &Path) -> bool {
    for below in directories(path) {
        if !remove(&below) {
            return false;
        }
    }
    match fs::remove_dir(path) {
        Ok(()) => true,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
