//! Commands of a supervisor that was killed: found again, read for, held to their time limit, and
//! counted. How they end is nobody's to know any more, since only a parent is told.

use std::fs::{self, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::Duration;

use reoclo_domain::{Clock, EXIT_CANCELLED, EXIT_LOST, OperationId};
use reoclo_wire::proto::Finished;
use reoclo_wire::proto::finished::State;
use rustix::fs::OFlags;
use tokio::net::unix::pipe::Receiver;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::exit::ExitWatch;
use super::tree::{Leader, Tree};
use super::{Ending, Means, stop};
use crate::operation::Operation;
use crate::process::{self, Process};
use crate::spool::{Started, StartedProcess};

/// The time of an operation of which nobody has noted it: the most that the control plane gives.
const MOST: Duration = Duration::from_mins(15);
/// A tick of the moment at which a process began (proc_pid_stat(5)).
const TICK_MS: u64 = 10;

/// What may go on of an operation that another supervisor started.
pub(crate) struct TakenOver {
    started: Started,
    tree: Arc<Tree>,
}

/// What was found of it.
struct Found {
    /// The command's own process, if it still runs.
    leader: Option<Process>,
    /// This supervisor is among what the command started.
    is_own_origin: bool,
    /// Its output's pipes, where they could be opened.
    pipes: Vec<Receiver>,
}

impl TakenOver {
    /// Before the first command of this supervisor is started, whose cgroup might have the name of
    /// one that is gone.
    pub(crate) fn new(id: OperationId, started: Started, means: &Means) -> Self {
        let group = started.process.as_ref().and_then(|it| it.group.as_deref());
        let group = group.and_then(|path| means.groups.left_at(path));
        let noted = started.process.as_ref().filter(|it| it.begun != 0);
        let leader = noted.map(|it| Leader {
            pid: it.pid,
            begun: it.begun,
            session: it.session,
        });
        let tree = Tree::taken_over(leader, id, &means.groups, group);
        Self {
            tree: Arc::new(tree),
            started,
        }
    }

    /// Sees the operation through.
    pub(crate) async fn run(
        mut self,
        operation: &Operation,
        means: &Means,
        clock: &dyn Clock,
    ) -> Finished {
        if !process::can_be_seen() {
            return self.lost(UNSEEN, clock);
        }
        let Some(found) = self.find().await else {
            return self.lost(UNSEEN, clock);
        };
        tracing::warn!(
            operation = %operation.id(),
            runs = found.leader.is_some(),
            "an operation of a supervisor that is gone is taken over"
        );
        // Whoever writes on is neither ended nor held up by that.
        means.drainer.take_over(found.pipes);
        if found.is_own_origin {
            return self.lost(OWN_ORIGIN, clock);
        }
        let Some(leader) = found.leader else {
            return self.ended_before(clock).await;
        };
        let begun_ms = leader.begun.saturating_mul(TICK_MS);
        self.started.since_ms.get_or_insert(begun_ms);
        let ending = tokio::select! {
            biased;
            () = gone(&leader) => Ending::Exited,
            () = operation.cancelled() => Ending::Cancelled,
            () = sleep(self.time_left(begun_ms, clock)) => Ending::TimedOut,
        };
        if ending == Ending::Exited {
            return self.ended_by_itself(clock).await;
        }
        let unended = stop::stop_unread(&self.tree, means.patience).await;
        self.stopped(ending, &unended, clock)
    }

    async fn find(&self) -> Option<Found> {
        let (tree, noted) = (Arc::clone(&self.tree), self.noted().cloned());
        let inodes = self.started.process.as_ref().map(|it| it.pipes.clone());
        let inodes = inodes.unwrap_or_default();
        let found = spawn_blocking(move || {
            let alive = tree.alive();
            let leader = leader(noted.as_ref(), &alive);
            (leader, tree.started_this_process(), pipes(&inodes, &alive))
        });
        let (leader, is_own_origin, pipes) = found.await.ok()?;
        Some(Found {
            leader,
            is_own_origin,
            // On the runtime, which reads from them.
            pipes: pipes
                .into_iter()
                .filter_map(|pipe| Receiver::from_owned_fd(pipe).ok())
                .collect(),
        })
    }

    /// Never more than the operation had, whatever clock it was written down by.
    fn time_left(&self, begun_ms: u64, clock: &dyn Clock) -> Duration {
        let limit = self.limit();
        let until = self.started.until_ms.map(Duration::from_millis);
        let until = until.unwrap_or_else(|| Duration::from_millis(begun_ms).saturating_add(limit));
        until.saturating_sub(clock.monotonic()).min(limit)
    }

    fn limit(&self) -> Duration {
        self.started.limit_ms.map_or(MOST, Duration::from_millis)
    }

    /// The command's own process, as it was noted; nothing where it could not be seen then.
    fn noted(&self) -> Option<&StartedProcess> {
        self.started.process.as_ref().filter(|it| it.begun != 0)
    }

    /// From its start until now, which is when its end was noticed.
    fn duration_us(&self, clock: &dyn Clock) -> u64 {
        let since = self.started.since_ms.map(Duration::from_millis);
        let took = since.map(|since| clock.monotonic().saturating_sub(since));
        took.map_or(0, |took| u64::try_from(took.as_micros()).unwrap_or(0))
    }

    async fn left_running(&self) -> u32 {
        let tree = Arc::clone(&self.tree);
        spawn_blocking(move || tree.count()).await.unwrap_or(0)
    }

    async fn ended_before(&self, clock: &dyn Clock) -> Finished {
        let left = self.left_running().await;
        let what = match (left, self.noted()) {
            (0, None) => "Nothing of it runs, and it may not have begun",
            (0, Some(_)) => "The command has ended since, and nothing of it runs any more",
            (_, None) => "Something that it started goes on",
            (_, Some(_)) => "The command has ended since, and something that it started goes on",
        };
        let mut finished = self.lost(what, clock);
        finished.left_running = left;
        finished
    }

    async fn ended_by_itself(&self, clock: &dyn Clock) -> Finished {
        let left = self.left_running().await;
        let what = match left {
            0 => "The command went on and ended by itself",
            _ => "The command went on and ended by itself, and something that it started goes on",
        };
        let mut finished = self.lost(what, clock);
        finished.left_running = left;
        finished
    }

    fn stopped(&self, ending: Ending, unended: &[Process], clock: &dyn Clock) -> Finished {
        let words = stop::words(unended);
        let left_running = u32::try_from(unended.len()).unwrap_or(u32::MAX);
        if ending == Ending::Cancelled {
            return Finished {
                state: State::Cancelled.into(),
                exit_code: EXIT_CANCELLED,
                message: format!(
                    "cancelled{words}; the supervisor that ran the command had been killed before, \
                     and what the command wrote since then is not kept"
                ),
                ..self.lost("", clock)
            };
        }
        let what = format!(
            "The command went on, and was stopped at its time limit of {} s with everything that it \
             started{words}",
            self.limit().as_secs()
        );
        let mut finished = self.lost(&what, clock);
        finished.left_running = left_running;
        finished
    }

    /// The truth about an end that nobody saw.
    fn lost(&self, what: &str, clock: &dyn Clock) -> Finished {
        Finished {
            state: State::Lost.into(),
            exit_code: EXIT_LOST,
            message: format!("{KILLED} {what}. {BEFORE_AGAIN}"),
            duration_us: self.duration_us(clock),
            ..Finished::default()
        }
    }
}

const KILLED: &str = "the supervisor that ran the command was killed (or crashed) before the \
                      command ended, so its exit code and what it wrote since then are not known.";
const UNSEEN: &str =
    "Whether the command goes on cannot be seen: mount /proc where the runner runs";
const OWN_ORIGIN: &str = "It started the Reoclo that runs on the server now, so neither that nor \
                          anything else of it was ended";
const BEFORE_AGAIN: &str =
    "Look what the command did before you run it again: it would run a second time";

/// The command's own process; where nobody has noted it, the first that leads a process group.
fn leader(noted: Option<&StartedProcess>, alive: &[Process]) -> Option<Process> {
    let found = match noted {
        Some(it) => alive
            .iter()
            .find(|process| process.pid == it.pid && process.begun == it.begun),
        None => alive
            .iter()
            .filter(|process| process.group == process.pid)
            .min_by_key(|process| process.begun),
    };
    found.cloned()
}

/// Reading ends of these pipes, which somebody of these can write to.
fn pipes(inodes: &[u64], alive: &[Process]) -> Vec<OwnedFd> {
    let wanted = inodes.iter().map(|inode| format!("pipe:[{inode}]"));
    let descriptors: Vec<_> = alive
        .iter()
        .filter_map(|process| fs::read_dir(format!("/proc/{}/fd", process.pid)).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .collect();
    let opened = wanted.filter_map(|name| {
        let is_it = |path: &&std::path::PathBuf| {
            fs::read_link(path).is_ok_and(|target| target.as_os_str() == name.as_str())
        };
        // Those of a process that has ended meanwhile cannot be opened, and another's can.
        descriptors.iter().filter(is_it).find_map(|path| {
            let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
            let mut options = OpenOptions::new();
            options.read(true).custom_flags(nonblocking);
            options.open(path).ok().map(OwnedFd::from)
        })
    });
    opened.collect()
}

/// Waits for the end of a process that is not this one's child.
async fn gone(leader: &Process) {
    const LOOK: Duration = Duration::from_millis(200);
    let is_there =
        || process::find(leader.pid).is_some_and(|now| now.begun == leader.begun && !now.has_ended);
    if let Some(mut watch) = process::as_pid(leader.pid).and_then(ExitWatch::of_any) {
        // It may have been another's by the time it was opened.
        if is_there() {
            watch.ended().await;
        }
        return;
    }
    while is_there() {
        sleep(LOOK).await;
    }
}
