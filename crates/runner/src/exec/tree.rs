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
use rustix::process::{Pid, Signal, getpgid, kill_process_group, test_kill_process_group};

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

/// The own process of a command that another supervisor started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leader {
    pub(super) pid: u32,
    /// Its number may be another's by now.
    pub(super) begun: u64,
    /// That supervisor's session.
    pub(super) session: u32,
}

/// Which supervisor started a command.
#[derive(Clone, Copy, Debug)]
enum Origin {
    /// This one: the command's own process is its child.
    Here,
    Elsewhere(Option<Leader>),
}

/// A command's processes.
#[derive(Debug)]
pub(super) struct Tree {
    /// The command's own process, and the group that it leads; nothing where nobody knows.
    leader: Option<Pid>,
    origin: Origin,
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
            leader: Some(leader),
            origin: Origin::Here,
            tag: tag(operation),
            mark: Mark::of(operation),
            groups: Arc::clone(groups),
            group: std::sync::Mutex::new(group),
        }
    }

    /// Of a command that another supervisor started, whose own process may be known.
    pub(super) fn taken_over(
        leader: Option<Leader>,
        operation: OperationId,
        groups: &Arc<Groups>,
        group: Option<Group>,
    ) -> Self {
        Self {
            leader: leader.and_then(|leader| process::as_pid(leader.pid)),
            origin: Origin::Elsewhere(leader),
            tag: tag(operation),
            mark: Mark::of(operation),
            groups: Arc::clone(groups),
            group: std::sync::Mutex::new(group),
        }
    }

    /// Whether the command started this very process, which then is no part of it, and neither
    /// are those that it starts.
    pub(super) fn started_this_process(&self) -> bool {
        let own = std::process::id();
        self.in_group().contains(&own)
            || process::was_started_with(own, &self.tag)
            || self.mark.is_on(own)
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

    /// Where no process can be seen, the command's own process group can be reached, and its
    /// cgroup.
    fn signal_unseen(&self, signal: Signal) {
        if process::can_be_seen() {
            return;
        }
        if let (Some(leader), Origin::Here) = (self.leader, self.origin) {
            // Nothing of it may be left.
            let _ = kill_process_group(leader, signal);
        }
        for pid in self.in_group() {
            let group = getpgid(process::as_pid(pid)).ok();
            if group.is_none() || group != self.leader {
                process::signal(pid, signal);
            }
        }
    }

    /// Whether nothing is left of it, as far as this process can tell.
    pub(super) fn is_gone(&self) -> bool {
        if process::can_be_seen() {
            return self.alive().is_empty();
        }
        lock(&self.group).as_ref().is_none_or(Group::is_empty)
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
            let is_gone = self.is_gone();
            if is_gone || waited >= patience {
                orphans::reap();
                return self.alive();
            }
        }
    }

    /// Whether something may go on after the command's own process was reaped; a quick look.
    pub(super) fn may_be_alive(&self) -> bool {
        match lock(&self.group).as_ref() {
            Some(group) => !group.is_empty(),
            None => self.may_lead() || orphans::are_there_any(),
        }
    }

    /// How many go on. Where they cannot be seen, those of the cgroup, or else one for the
    /// command's own group.
    pub(super) fn count(&self) -> u32 {
        let many = if process::can_be_seen() {
            self.alive().len()
        } else {
            match lock(&self.group).as_ref() {
                Some(group) => group.processes().len(),
                None => usize::from(self.may_lead()),
            }
        };
        u32::try_from(many).unwrap_or(u32::MAX)
    }

    /// Whether there is a process group that the command's own process made, or may have made.
    fn may_lead(&self) -> bool {
        let is_there = |leader| test_kill_process_group(leader).is_ok();
        matches!(self.origin, Origin::Here) && self.leader.is_some_and(is_there)
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
        let in_group = self.in_group();
        let leader = self.leader.map(raw).filter(|pid| match self.origin {
            Origin::Here => true,
            Origin::Elsewhere(leader) => all.iter().any(|process| {
                process.pid == *pid && leader.is_some_and(|it| it.begun == process.begun)
            }),
        });
        let is_seed = |process: &Process| {
            leader == Some(process.pid)
                || leader == Some(process.group)
                || in_group.contains(&process.pid)
                || process::was_started_with(process.pid, &self.tag)
                || self.mark.is_on(process.pid)
        };
        let found = closure(all, &Surroundings::now(leader, self.origin), is_seed);
        let found = all.iter().filter(|process| found.contains(&process.pid));
        found
            .filter(|process| !process.has_ended)
            .cloned()
            .collect()
    }

    fn in_group(&self) -> HashSet<u32> {
        let group = lock(&self.group);
        let processes = group.as_ref().map(Group::processes);
        processes.into_iter().flatten().collect()
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
    groups: Vec<u32>,
    sessions: Sessions,
    /// Processes of other commands, and groups that these lead.
    others: Box<dyn Fn(u32) -> bool>,
}

impl Surroundings {
    fn now(leader: Option<u32>, origin: Origin) -> Self {
        let supervisor = std::process::id();
        let own = process::find(supervisor);
        let (group, session) = own.map_or((0, 0), |own| (own.group, own.session));
        let (groups, sessions) = match origin {
            Origin::Here => (vec![group], Sessions::AllBut(vec![session])),
            // Other commands of the same supervisor are in its session too.
            Origin::Elsewhere(Some(leader)) => (
                vec![group, leader.session],
                Sessions::AllBut(vec![session, leader.session]),
            ),
            Origin::Elsewhere(None) => (vec![group], Sessions::None),
        };
        Self {
            supervisor,
            groups,
            sessions,
            others: Box::new(move |pid| leader != Some(pid) && orphans::is_own(pid)),
        }
    }
}

/// Which sessions say something about who started what is in them.
enum Sessions {
    AllBut(Vec<u32>),
    None,
}

impl Sessions {
    fn tell(&self, session: u32) -> bool {
        match self {
            Self::AllBut(others) => !others.contains(&session),
            Self::None => false,
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
            if !around.groups.contains(&process.group) && !(around.others)(process.group) {
                groups.insert(process.group);
            }
            if around.sessions.tell(process.session) {
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
