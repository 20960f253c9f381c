use std::time::Duration;

/// How much those get who connect, and how slow they may be.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// From the first byte of a request's head to its last; also how long a new connection may
    /// say nothing, and how long a TLS handshake may take.
    pub head_time: Duration,
    /// How long a body may keep us waiting; a byte buys time at `least_rate`.
    pub body_time: Duration,
    /// How long whoever reads an answer may keep us waiting; a byte buys time at `least_rate`.
    pub answer_time: Duration,
    /// In bytes a second.
    pub least_rate: u32,
    /// How long a connection may be idle between two requests.
    pub idle_time: Duration,
    /// The same once it has carried an authenticated request, and for trusted proxies: longer than
    /// load balancers keep theirs.
    pub idle_time_of_known: Duration,
    /// Connections in all.
    pub most: usize,
    /// Of them, how many only runners may have.
    pub kept_for_runners: usize,
    /// Of them, how many only callers who have authenticated may have.
    pub kept_for_callers: usize,
    /// Connections, and behind a trusted proxy requests, of one address that have not
    /// authenticated. An IPv6 address counts as its /64.
    pub most_of_address: usize,
    /// What the buffers of all connections hold that have not authenticated.
    pub bytes_of_strangers: usize,
    /// Nobody has to make way for another before they have kept us waiting this long, as long as
    /// the other can wait.
    pub grace: Duration,
}

/// What the database, the runner's program and the log need besides connections.
const OTHER_FILES: u64 = 256;
const LEAST: u64 = 64;
const MOST: usize = 16_384;
const MOST_BYTES: usize = 128 << 20;
/// Fewer would not do for the strangers of an ordinary day.
const LEAST_BYTES: usize = 8 << 20;
/// One byte of so many that the process may have is for strangers.
const SHARE_OF_MEMORY: u64 = 8;
/// One place of so many is kept for each of those who are known.
const KEPT: usize = 16;

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            head_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            answer_time: Duration::from_secs(30),
            least_rate: 1024,
            idle_time: Duration::from_mins(1),
            idle_time_of_known: Duration::from_secs(620),
            most: MOST,
            kept_for_runners: MOST / KEPT,
            kept_for_callers: MOST / KEPT,
            most_of_address: 256,
            bytes_of_strangers: MOST_BYTES,
            grace: Duration::from_millis(250),
        }
    }
}

impl ConnectionLimits {
    /// With so many connections in all.
    #[must_use]
    pub const fn of(mut self, most: usize) -> Self {
        self.most = most;
        self.kept_for_runners = most / KEPT;
        self.kept_for_callers = most / KEPT;
        self
    }

    /// As many connections as fit into so many open files; none is any number.
    #[must_use]
    pub fn within(self, files: Option<u64>) -> Self {
        let files = files.unwrap_or(u64::MAX);
        let most = files.saturating_sub(OTHER_FILES).max(LEAST);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if most < self.most {
            self.of(most)
        } else {
            self
        }
    }

    /// With as many bytes for strangers as suit a process that may have so much memory; none is
    /// any amount.
    #[must_use]
    pub fn within_memory(mut self, memory: Option<u64>) -> Self {
        let share = memory.map_or(u64::MAX, |memory| memory / SHARE_OF_MEMORY);
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        self.bytes_of_strangers = share.clamp(LEAST_BYTES, MOST_BYTES);
        self
    }

    pub(super) const fn most_strangers(&self) -> usize {
        let kept = self.kept_for_runners + self.kept_for_callers;
        self.most.saturating_sub(kept)
    }

    pub(super) const fn most_callers(&self) -> usize {
        self.most.saturating_sub(self.kept_for_runners)
    }

    pub(super) const fn most_runners(&self) -> usize {
        self.most.saturating_sub(self.kept_for_callers)
    }

    /// Nothing that keeps us waiting is over before this.
    pub(super) fn shortest(&self) -> Duration {
        self.head_time
            .min(self.body_time)
            .min(self.answer_time)
            .min(self.idle_time)
            .min(self.idle_time_of_known)
            .max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_have_a_small_share_of_the_memory() {
        let of = |memory| {
            let limits = ConnectionLimits::default().within_memory(memory);
            limits.bytes_of_strangers >> 20
        };
        assert_eq!(of(None), 128);
        assert_eq!(of(Some(64 << 30)), 128);
        assert_eq!(of(Some(512 << 20)), 64);
        assert_eq!(of(Some(0)), 8);
    }

    #[test]
    fn strangers_leave_room_however_few_files_may_be_open() {
        for files in [None, Some(0), Some(1024), Some(4096), Some(1 << 20)] {
            let limits = ConnectionLimits::default().within(files);
            assert!(limits.kept_for_runners > 0 && limits.kept_for_callers > 0);
            assert!(limits.most_strangers() < limits.most);
            assert!(limits.most <= MOST);
        }
        let few = ConnectionLimits::default().within(Some(1024));
        assert_eq!((few.most, few.kept_for_runners), (768, 48));
    }
}
