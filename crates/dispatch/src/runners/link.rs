//! One connection to a runner.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reoclo_wire::ability::{Abilities, Ability};
use reoclo_wire::handshake::Machine;
use reoclo_wire::proto::Description;
use tokio::sync::watch;
use tokio::time::timeout;

use super::heard::Calls;
use crate::error::Error;

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
    abilities: Mutex<Abilities>,
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
            abilities: Mutex::new(Abilities::of(description)),
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

    /// Whether the runner is too old for something.
    pub(crate) fn lacks(&self, ability: Ability) -> bool {
        !self.abilities().has(ability)
    }

    /// All that it is too old for.
    pub(super) fn lacking(&self) -> Vec<Ability> {
        self.abilities().lacking().collect()
    }

    /// It has answered that it does not know this.
    pub(crate) fn set_lacks(&self, ability: Ability) {
        self.abilities().remove(ability);
    }

    /// What is told to whoever asked for it.
    pub(crate) fn is_too_old_for(&self, lacking: Ability) -> Error {
        Error::RunnerOutdated {
            version: self.version.clone(),
            lacking,
        }
    }

    fn abilities(&self) -> MutexGuard<'_, Abilities> {
        self.abilities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
