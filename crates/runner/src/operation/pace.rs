use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use reoclo_domain::Clock;
use tokio::sync::Notify;

/// How far a command may be ahead of its fastest follower before it waits: well within what is
/// kept, so that a follower that keeps up misses nothing.
const AHEAD: u64 = 4 << 20;
/// How long a command waits in all for a follower that does not keep up.
const ONCE: Duration = Duration::from_secs(1);
/// Bytes a second that a follower reads at least if the command is to wait any longer.
const SLOWEST: u64 = 32 << 20;

/// Lets a command that writes faster than its follower can read wait a little, and only a little:
/// below 32 MiB/s, and beyond a second in all, the oldest output is dropped instead.
#[derive(Debug, Default)]
pub(super) struct Pace {
    followers: AtomicUsize,
    /// The furthest that any follower has read, in both streams together.
    read: AtomicU64,
    /// There is nothing to wait for any more: the command has ended.
    over: AtomicBool,
    progress: Notify,
}

impl Pace {
    pub(super) fn attach(&self) {
        self.followers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn detach(&self) {
        self.followers.fetch_sub(1, Ordering::Relaxed);
        self.progress.notify_waiters();
    }

    /// A follower has read so far, in both streams together.
    pub(super) fn has_read(&self, position: u64) {
        self.read.fetch_max(position, Ordering::Relaxed);
        self.progress.notify_waiters();
    }

    /// From here on nobody waits.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.progress.notify_waiters();
    }

    /// Waits until a follower is near `written`, in both streams together; `waited` is what that
    /// has cost before and is added to.
    pub(super) async fn keep(&self, written: u64, waited: &mut Duration, clock: &dyn Clock) {
        if self.may_go_on(written) {
            return;
        }
        let since = clock.monotonic();
        let earned = self.read.load(Ordering::Relaxed).saturating_mul(1000) / SLOWEST;
        let left = (ONCE + Duration::from_millis(earned)).saturating_sub(*waited);
        let _ = tokio::time::timeout(left, self.caught_up(written)).await;
        *waited += clock.monotonic().saturating_sub(since);
    }

    async fn caught_up(&self, written: u64) {
        loop {
            let progress = self.progress.notified();
            if self.may_go_on(written) {
                return;
            }
            progress.await;
        }
    }

    fn may_go_on(&self, written: u64) -> bool {
        self.followers.load(Ordering::Relaxed) == 0
            || self.over.load(Ordering::Relaxed)
            || written.saturating_sub(self.read.load(Ordering::Relaxed)) <= AHEAD
    }
}
