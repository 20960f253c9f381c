//! One connection to a runner.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reoclo_wire::handshake::Machine;
use reoclo_wire::proto::Description;
use tokio::sync::watch;
use tokio::time::timeout;

use super::heard::Calls;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detached {
    /// It was lost, or the runner closed it.
    Lost,
    /// A newer connection of the same server took its place.
    Displaced,
    /// Another machine is connected as the same server.
    AnotherMachine,
    /// An admin decided that another machine is the server.
    NotChosen,
    /// This process is stopping.
    ShuttingDown,
    /// The server was removed.
    Decommissioned,
}

/// A connected runner: the calls it answers, and who answers them.
pub(crate) struct Link {
    number: u64,
    calls: Calls,
    instance_id: String,
    boot_id: String,
    clocks: Mutex<Clocks>,
    closing: watch::Sender<Option<Detached>>,
    machine: Machine,
    address: Option<IpAddr>,
    version: String,
    lacks_metrics: AtomicBool,
}

/// The instance's clock and ours, read at the same moment or ours a little later (ADR 8).
struct Clocks {
    instance_ms: u64,
    read_at: Duration,
}

impl Clocks {
    const fn of(description: &Description, read_at: Duration) -> Self {
        Self {
            instance_ms: description.monotonic_ms,
            read_at,
        }
    }
}

impl Link {
    pub(super) fn new(
        number: u64,
        calls: Calls,
        description: &Description,
        (machine, address): (Machine, Option<IpAddr>),
        read_at: Duration,
    ) -> Self {
        Self {
            machine,
            address,
            number,
            calls,
            instance_id: description.instance_id.clone(),
            boot_id: description.boot_id.clone(),
            clocks: Mutex::new(Clocks::of(description, read_at)),
            closing: watch::Sender::new(None),
            version: description.version.clone(),
            lacks_metrics: AtomicBool::new(false),
        }
    }

    /// Different for every connection of this process.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    pub(crate) const fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(crate) fn instance_id(&self) -> &str {
        &self.instance_id
    }

    pub(crate) fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// Where it comes from.
    pub(super) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// On which machine it is.
    pub(super) const fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Whether its runner answers within this time.
    pub(super) async fn answers(&self, within: Duration) -> bool {
        timeout(within, self.calls.describe())
            .await
            .is_ok_and(|answer| answer.is_ok())
    }

    /// What the runner calls its version; not trusted.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Whether the runner is older than the call for measurements.
    pub(crate) fn lacks_metrics(&self) -> bool {
        self.lacks_metrics.load(Ordering::Relaxed)
    }

    pub(crate) fn set_lacks_metrics(&self) {
        self.lacks_metrics.store(true, Ordering::Relaxed);
    }

    /// Our monotonic `moment` on the instance's clock, at most the latency of one message early:
    /// its clock was read before ours.
    pub(crate) fn instance_time(&self, moment: Duration) -> u64 {
        let clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        let since = moment.saturating_sub(clocks.read_at).as_millis();
        clocks
            .instance_ms
            .saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// Sets the two clocks side by side again, before they drift apart.
    pub(super) fn set_clocks(&self, description: &Description, read_at: Duration) {
        let mut clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        *clocks = Clocks::of(description, read_at);
    }

    /// Asks whoever holds the connection to end it.
    pub(crate) fn close(&self, why: Detached) {
        self.closing.send_replace(Some(why));
    }

    pub(super) async fn closing(&self) -> Detached {
        let mut closing = self.closing.subscribe();
        match closing.wait_for(Option::is_some).await {
            Ok(why) => why.unwrap_or(Detached::Lost),
            Err(_) => Detached::Lost,
        }
    }
}
