//! Real time, which a test may move forward, and fixed randomness.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reoclo_domain::{Clock, Entropy, Timestamp};
use reoclo_runner::Ambient;
use rustix::time::{ClockId, clock_gettime};

pub struct TestClock {
    ahead_ms: AtomicU64,
    /// The wall clock alone.
    wall_ahead_us: AtomicI64,
}

impl TestClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            ahead_ms: AtomicU64::new(1),
            wall_ahead_us: AtomicI64::new(0),
        })
    }

    pub fn advance(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// It is later by the calendar.
    pub fn set_ahead(&self, time: Duration) {
        let us = i64::try_from(time.as_micros()).unwrap();
        self.wall_ahead_us.store(us, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ahead = self.wall_ahead_us.load(Ordering::SeqCst);
        Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap() + ahead)
    }

    fn monotonic(&self) -> Duration {
        let now = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap();
        let since_boot = Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap());
        since_boot + Duration::from_millis(self.ahead_ms.load(Ordering::SeqCst))
    }
}

/// Different bytes with every call, the same in every run.
#[derive(Default)]
pub struct TestEntropy(AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = x.to_be_bytes()[2];
        }
    }
}

pub fn ambient() -> Ambient {
    ambient_with(TestClock::new())
}

pub fn ambient_with(clock: Arc<TestClock>) -> Ambient {
    Ambient {
        clock,
        entropy: Arc::new(TestEntropy::default()),
        proxy: reoclo_runner::ProxySettings::default(),
    }
}

/// Waits until `probe` has an answer; fails when it has none for long.
pub async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = probe().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), looking)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"))
}
