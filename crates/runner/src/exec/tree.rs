//! Everything that a command started, however it did: its end is the end of all of it.
//!
//! What is in the command's cgroup belongs to it. Where there is no cgroup, and for what has left
//! it, a process belongs to the command when it descends from it, when it is in a process group
//! or session that a process of the command made, when it was started with the variable [`TAG`] of
//! the operation, or when it has the operation's [`Mark`]. The supervisor takes in what the command's processes leave behind,
//! so nothing hides among the children of the host's first process.

mod mark;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::OperationId;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::cgroup::{Group, Groups};
use crate::mutex::lock;
use crate::orphans;
use crate::process::{self, Process, Reached};

pub(super) use mark::Mark;

/// The variable by which a process is known as a command's, whatever it has become.
pub(super) const TAG: &str = "REOCLO_OPERATION_ID";
/// How often what was found is stopped and looked for again before it is killed: a process that
/// forks as fast as it can is caught once all of it is stopped.
const ROUNDS: usize = 64;
/// The first pause after KILL; each is twice the one before, up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(50);

/// A command's processes.
#[derive(Debug)]
pub(super) struct Tree {
    /// The command's own process, and the group that it leads.
    leader: Pid,
    tag: String,
    mark: Mark,
    groups: Arc<Groups>,
    group: std::sync::Mutex<Option<Group>>,
}

impl Tree {
    pub(super) fn new(
        leader: Pid,
        operation: OperationId,
        groups: &Arc<Groups>,
        group: Option<Group>,
    ) -> Self {
        Self {
            leader,
            tag: tag(operation),
            mark: Mark::of(operation),
            groups: Arc::clone(groups),
            group: std::sync::Mutex::new(group),
        }
    }

    /// Those that have not ended. Looks at every process of the host: not on a runtime's thread.
    pub(super) fn alive(&self) -> Vec<Process> {
        self.members(&process::all())
    }

    /// Sends a signal once to each, also to those that are started meanwhile. Not after the
    /// command's own process was reaped.
    pub(super) fn signal(&self, signal: Signal) {
        self.signal_unseen(signal);
        let mut done = HashSet::new();
        for _ in 0..ROUNDS {
            let mut is_news = false;
            for member in self.alive() {
                if done.insert((member.pid, member.begun)) {
                    process::signal_exactly(&member, signal);
                    is_news = true;
                }
            }
            if !is_news {
                return;
            }
        }
    }

    /// Where no process can be seen, the command's own group can be reached.
    fn signal_unseen(&self, signal: Signal) {
        if !process::can_be_seen() {
            // Nothing of it may be left.
            let _ = kill_process_group(self.leader, signal);
        }
    }

    /// Kills all of it, and gives those that have not ended within `patience`.
    pub(super) fn kill(&self, patience: Duration) -> Vec<Process> {
        let (mut pause, mut waited) = (FIRST_PAUSE, Duration::ZERO);
        loop {
            if let Some(group) = lock(&self.group).as_ref() {
                group.kill();
            }
            self.signal_unseen(Signal::KILL);
            self.stop();
            for member in self.alive() {
                process::signal_exactly(&member, Signal::KILL);
            }
            std::thread::sleep(pause);
            waited += pause;
            pause = (pause * 2).min(LAST_PAUSE);
            let left = self.alive();
            if left.is_empty() || waited >= patience {
                orphans::reap();
                return left;
            }
        }
    }

    /// Whether something may go on after the command's own process was reaped; a quick look.
    pub(super) fn may_be_alive(&self) -> bool {
        match lock(&self.group).as_ref() {
            Some(group) => !group.is_empty(),
            None => test_kill_process_group(self.leader).is_ok() || orphans::are_there_any(),
        }
    }

    /// How many go on.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.alive().len()).unwrap_or(u32::MAX)
    }

    /// Stops all of it, until nothing new is found.
    fn stop(&self) {
        let mut stopped = HashSet::new();
        for _ in 0..ROUNDS {
            let mut is_news = false;
            for member in self.alive() {
                let is_new = stopped.insert((member.pid, member.begun));
                if is_new && process::signal_exactly(&member, Signal::STOP) == Reached::Yes {
                    is_news = true;
                }
            }
            if !is_news {
                return;
            }
        }
    }

    fn members(&self, all: &[Process]) -> Vec<Process> {
        let in_group = lock(&self.group).as_ref().map(Group::processes);
        let in_group: HashSet<u32> = in_group.into_iter().flatten().collect();
        let leader = raw(self.leader);
        let is_seed = |process: &Process| {
            process.pid == leader
                || process.group == leader
                || in_group.contains(&process.pid)
                || process::was_started_with(process.pid, &self.tag)
                || self.mark.is_on(process.pid)
        };
        let found = closure(all, &Surroundings::now(leader), is_seed);
        let found = all.iter().filter(|process| found.contains(&process.pid));
        found
            .filter(|process| !process.has_ended)
            .cloned()
            .collect()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(group) = lock(&self.group).take() {
            self.groups.give_back(group);
        }
    }
}

/// The variable of an operation, as it stands in an environment.
pub(super) fn tag(operation: OperationId) -> String {
    format!("{TAG}={operation}")
}

/// What is not a command's although its processes touch it.
struct Surroundings {
    supervisor: u32,
    group: u32,
    session: u32,
    /// Processes of other commands, and groups that these lead.
    others: Box<dyn Fn(u32) -> bool>,
}

impl Surroundings {
    fn now(leader: u32) -> Self {
        let supervisor = std::process::id();
        let own = process::find(supervisor);
        Self {
            supervisor,
            group: own.as_ref().map_or(0, |own| own.group),
            session: own.as_ref().map_or(0, |own| own.session),
            others: Box::new(move |pid| pid != leader && orphans::is_own(pid)),
        }
    }
}

/// The seeds, what descends from them, and what shares a group or session that is theirs.
fn closure(
    all: &[Process],
    around: &Surroundings,
    is_seed: impl Fn(&Process) -> bool,
) -> HashSet<u32> {
    let may_be = |process: &&Process| {
        process.pid != 1 && process.pid != around.supervisor && !(around.others)(process.pid)
    };
    let candidates: Vec<&Process> = all.iter().filter(may_be).collect();
    let mut found: HashSet<u32> = HashSet::new();
    let mut groups: HashSet<u32> = HashSet::new();
    let mut sessions: HashSet<u32> = HashSet::new();
    let mut rest = candidates;
    let mut is_first = true;
    loop {
        let (new, other): (Vec<&Process>, Vec<&Process>) = rest.into_iter().partition(|process| {
            found.contains(&process.parent)
                || groups.contains(&process.group)
                || sessions.contains(&process.session)
                || (is_first && is_seed(process))
        });
        rest = other;
        is_first = false;
        if new.is_empty() {
            return found;
        }
        for process in new {
            found.insert(process.pid);
            if process.group != around.group && !(around.others)(process.group) {
                groups.insert(process.group);
            }
            if process.session != around.session {
                sessions.insert(process.session);
            }
        }
    }
}

fn raw(pid: Pid) -> u32 {
    u32::try_from(pid.as_raw_nonzero().get()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
