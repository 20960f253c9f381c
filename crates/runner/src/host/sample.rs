use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reoclo_domain::Clock;
use reoclo_wire::proto::MetricsReply;
use rustix::fs::statvfs;

use super::counters::Counters;
use super::text::read;

/// Whoever asks again within this time gets the same answer: rates over less say nothing.
const LEAST: Duration = Duration::from_millis(500);

/// Measures the host, and remembers the last reading for the rates of the next.
pub(crate) struct Sampler {
    clock: Arc<dyn Clock>,
    last: Mutex<Last>,
}

struct Last {
    counters: Counters,
    at: Duration,
    reply: Option<MetricsReply>,
}

impl Sampler {
    /// Takes a first reading, so that the first answer has rates already.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let last = Last {
            counters: Counters::read(),
            at: clock.monotonic(),
            reply: None,
        };
        Self {
            clock,
            last: Mutex::new(last),
        }
    }

    /// What the host does, since the last time that this was called.
    pub(crate) fn sample(&self) -> MetricsReply {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        let since = now.saturating_sub(last.at);
        if let Some(reply) = last.reply.filter(|_| since < LEAST) {
            return reply;
        }
        let counters = Counters::read();
        let reply = reply(&last.counters, &counters, since);
        *last = Last {
            counters,
            at: now,
            reply: Some(reply),
        };
        reply
    }
}

fn reply(before: &Counters, now: &Counters, since: Duration) -> MetricsReply {
    let cpu = now.cpu.zip(before.cpu);
    let network = now.network.zip(before.network);
    let network =
        network.and_then(|(now, before)| now.per_second_since(before, since.as_secs_f64()));
    let (memory_used_bytes, memory_total_bytes) = memory().unwrap_or_default();
    let (disk_used_bytes, disk_total_bytes) = disk().unwrap_or_default();
    let [load_1, load_5, load_15] = load().unwrap_or_default();
    MetricsReply {
        cpu_percent: cpu.and_then(|(now, before)| now.percent_since(before)),
        memory_used_bytes,
        memory_total_bytes,
        disk_used_bytes,
        disk_total_bytes,
        network_rx_bytes_per_second: network.map(|(received, _)| received),
        network_tx_bytes_per_second: network.map(|(_, sent)| sent),
        load_1,
        load_5,
        load_15,
    }
}

/// Used and total bytes; what proc_meminfo(5) calls available is not used.
fn memory() -> Option<(u64, u64)> {
    let text = read("/proc/meminfo")?;
    let kib = |name: &str| -> Option<u64> {
        let value = text.lines().find_map(|line| line.strip_prefix(name))?;
        value.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    let (total, available) = (kib("MemTotal:")?, kib("MemAvailable:")?);
    Some((total.saturating_sub(available) * 1024, total * 1024))
}

/// Used and total bytes of the root file system, as df(1) counts them: what only root may still
/// use is in neither.
fn disk() -> Option<(u64, u64)> {
    let disk = statvfs("/").ok()?;
    let used = disk.f_blocks.saturating_sub(disk.f_bfree);
    let bytes = |blocks: u64| disk.f_frsize.saturating_mul(blocks);
    Some((bytes(used), bytes(used.saturating_add(disk.f_bavail))))
}

/// The three averages of proc_loadavg(5).
fn load() -> Option<[f64; 3]> {
    let text = read("/proc/loadavg")?;
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use reoclo_domain::Timestamp;

    use super::*;

    struct Moved(Mutex<Duration>);

    impl Clock for Moved {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(0)
        }

        fn monotonic(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn this_host_is_measured() {
        let clock = Arc::new(Moved(Mutex::new(Duration::from_secs(1))));
        let sampler = Sampler::new(clock.clone());
        let moved = |seconds| *clock.0.lock().unwrap() = Duration::from_secs_f64(seconds);
        moved(11.0);
        let first = sampler.sample();
        assert!(first.memory_used_bytes > 0);
        assert!(first.memory_used_bytes < first.memory_total_bytes);
        assert!(first.disk_used_bytes < first.disk_total_bytes);
        assert!(
            first
                .network_rx_bytes_per_second
                .is_some_and(|rate| rate >= 0.0)
        );
        assert!(first.load_1.is_finite());
        moved(11.1);
        assert_eq!(sampler.sample(), first, "too soon for another");
    }
}
