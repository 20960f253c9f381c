//! Children that this process did not start: those of the first process of a container, and,
//! since the supervisor takes in what its commands leave (PR_SET_CHILD_SUBREAPER), its own.
//! Somebody has to take their status, or they stay as zombies for ever.

use std::collections::BTreeSet;
use std::fs;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions, getpgid, set_child_subreaper, waitpid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::mutex::lock;
use crate::process::{self, as_pid};

/// Children that end within this time are looked at together.
const TOGETHER: Duration = Duration::from_millis(500);
/// A child of this process's own group that is dead for so long was started by nobody here.
const LONG_DEAD: Duration = Duration::from_secs(10);

/// Children whose status somebody in this process waits for.
static OWN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A child whose status is taken by whoever holds this.
#[derive(Debug)]
pub(crate) struct Own(u32);

impl Own {
    /// Starts a child; nothing is taken from it in between.
    pub(crate) fn start<E>(start: impl FnOnce() -> Result<u32, E>) -> Result<Self, E> {
        let mut own = lock(&OWN);
        let pid = start()?;
        own.insert(pid);
        Ok(Self(pid))
    }

    /// Takes the status of the child, if it has ended.
    pub(crate) fn take<T>(&self, take: impl FnOnce() -> Option<T>) -> Option<T> {
        let mut own = lock(&OWN);
        let taken = take()?;
        // From here on its number may be another's.
        own.remove(&self.0);
        Some(taken)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        lock(&OWN).remove(&self.0);
    }
}

/// Whether somebody in this process waits for the child.
pub(crate) fn is_own(pid: u32) -> bool {
    lock(&OWN).contains(&pid)
}

/// From here on what descendants leave behind becomes a child of this process, not of the host's
/// first.
pub(crate) fn take_in() {
    if let Err(error) = set_child_subreaper(as_pid(std::process::id())) {
        tracing::warn!(%error, "what commands leave behind is not taken in");
    }
}

/// Takes the status of every child that ends and that nobody here waits for, for as long as it is
/// polled. For the supervisor, and for any process that may be the first of a container.
pub async fn reap_orphans() {
    let Ok(mut ended) = signal(SignalKind::child()) else {
        return tracing::warn!("children that nobody waits for stay as zombies");
    };
    loop {
        while !reap() {
            sleep(TOGETHER).await;
        }
        if std::process::id() == 1 {
            reap_long_dead().await;
        }
        ended.recv().await;
        sleep(TOGETHER).await;
    }
}

/// Takes the status of those that have ended by now; `false` when some may be left.
pub(crate) fn reap() -> bool {
    if !process::can_be_seen() {
        return reap_unseen();
    }
    reap_seen();
    true
}

fn reap_seen() {
    let own = lock(&OWN);
    let foreign = dead().filter(|pid| !own.contains(&pid.pid));
    // What this process starts by other means is in its own group.
    let group = own_group();
    for child in foreign.filter(|child| child.group != group) {
        take(child.pid);
    }
}

/// Where /proc is not mounted, the kernel names one dead child, and no other before somebody has
/// taken its status.
fn reap_unseen() -> bool {
    let own = lock(&OWN);
    while let Some(pid) = a_dead_child() {
        if own.contains(&raw(pid)) || getpgid(Some(pid)) == getpgid(None) {
            return false;
        }
        take(raw(pid));
    }
    true
}

#[expect(unsafe_code, reason = "the safe one does not say which child it is")]
fn a_dead_child() -> Option<Pid> {
    let mut found = MaybeUninit::<libc::siginfo_t>::zeroed();
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: waitid(2) writes one siginfo_t where it is told to, and takes nothing. Where no child
    // has ended it leaves the zeros, which are a valid value, and whose process is 0.
    let pid = unsafe {
        if libc::waitid(libc::P_ALL, 0, found.as_mut_ptr(), options) != 0 {
            return None;
        }
        found.assume_init().si_pid()
    };
    Pid::from_raw(pid)
}

fn raw(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// Whether there is a child that nobody here waits for, dead or alive.
pub(crate) fn are_there_any() -> bool {
    if !process::can_be_seen() {
        return false;
    }
    let own = lock(&OWN);
    let group = own_group();
    children().into_iter().any(|pid| {
        !own.contains(&pid) && process::find(pid).is_some_and(|child| child.group != group)
    })
}

/// In the first process of a container anything may end up.
async fn reap_long_dead() {
    let seen: Vec<_> = dead().collect();
    if seen.is_empty() {
        return;
    }
    sleep(LONG_DEAD).await;
    reap();
    let own = lock(&OWN);
    for child in dead().filter(|child| seen.contains(child) && !own.contains(&child.pid)) {
        take(child.pid);
    }
}

/// The process group of this process; 0 where it was made outside of this container, which is
/// then the group of its children too.
fn own_group() -> u32 {
    process::find(std::process::id()).map_or(0, |own| own.group)
}

fn dead() -> impl Iterator<Item = process::Process> {
    let me = std::process::id();
    children()
        .into_iter()
        .filter_map(process::find)
        .filter(move |child| child.has_ended && child.parent == me)
}

/// The children of this process, also those that have ended.
fn children() -> Vec<u32> {
    let threads = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let mut all = Vec::new();
    for thread in threads {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(listed) => all.extend(listed.split_ascii_whitespace().flat_map(str::parse::<u32>)),
            // The kernel was built without it, or the thread has ended.
            Err(_) => return children_among_all(),
        }
    }
    all
}

fn children_among_all() -> Vec<u32> {
    let me = std::process::id();
    let all = process::all().into_iter();
    all.filter(|process| process.parent == me)
        .map(|process| process.pid)
        .collect()
}

fn take(pid: u32) {
    if let Some(pid) = as_pid(pid) {
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}
