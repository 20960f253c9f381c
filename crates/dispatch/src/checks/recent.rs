//! What servers answered lately, until it is stored.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reoclo_domain::{HostChecks, Resolution, ServerId, Timestamp};
use reoclo_store::MetricsRow;

/// A server that failed this many checks in a row is unhealthy; fewer are a restart.
pub const UNHEALTHY_AFTER: u32 = 3;
/// The most checks of one server that wait to be stored.
const MOST_WAITING: usize = 2000;
pub(super) const MINUTE: Duration = Duration::from_mins(1);

/// What this process knows of the servers that it asks.
pub(crate) struct Checks {
    servers: Mutex<HashMap<ServerId, Checked>>,
    /// On the monotonic clock.
    pub(super) since: Duration,
    pub(super) folded: Mutex<Option<Timestamp>>,
}

/// One server.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Checks that are not stored yet, the oldest first.
    pub(super) waiting: Vec<HostChecks>,
    /// The last check that was answered.
    pub answered: Option<HostChecks>,
    /// When the last check was.
    pub last_at: Option<Timestamp>,
    /// How many failed since one was answered.
    pub failures: u32,
}

impl Checks {
    /// For a process that starts at this moment of its monotonic clock.
    pub(crate) fn new(since: Duration) -> Self {
        Self {
            servers: Mutex::default(),
            since,
            folded: Mutex::default(),
        }
    }

    pub(super) fn note(&self, server: ServerId, mut check: HostChecks) {
        // As it comes back from the database.
        check.at = check.at.begin_of(Duration::from_millis(1));
        let mut servers = self.servers();
        let checked = servers.entry(server).or_default();
        checked.last_at = Some(check.at);
        if check.ok > 0 {
            checked.failures = 0;
            checked.answered = Some(check);
        } else {
            checked.failures = checked.failures.saturating_add(1);
        }
        if checked.waiting.len() < MOST_WAITING {
            checked.waiting.push(check);
        }
    }

    /// What is known of a server.
    pub(crate) fn of(&self, server: ServerId) -> Checked {
        self.servers().get(&server).cloned().unwrap_or_default()
    }

    /// Takes what was checked before `before`, as rows of a minute each.
    pub(super) fn take(&self, before: Timestamp) -> Vec<MetricsRow> {
        let mut rows = Vec::new();
        for (server, checked) in self.servers().iter_mut() {
            let due = checked.waiting.partition_point(|check| check.at < before);
            rows.extend(minutes(*server, checked.waiting.drain(..due)));
        }
        rows
    }

    /// Forgets servers that are asked no more.
    pub(super) fn keep(&self, monitored: &[ServerId]) {
        self.servers().retain(|server, checked| {
            !checked.waiting.is_empty() || monitored.binary_search(server).is_ok()
        });
    }

    fn servers(&self) -> MutexGuard<'_, HashMap<ServerId, Checked>> {
        // An entry is whole after every statement above, so a panic elsewhere spoils nothing.
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks in their order, as rows of a minute each.
pub(super) fn minutes(
    server: ServerId,
    checks: impl Iterator<Item = HostChecks>,
) -> Vec<MetricsRow> {
    let mut rows: Vec<MetricsRow> = Vec::new();
    for check in checks {
        let at = check.at.begin_of(MINUTE);
        match rows.last_mut().filter(|row| row.at == at) {
            Some(row) => row.points.push(check),
            None => rows.push(MetricsRow {
                server,
                resolution: Resolution::Fine,
                at,
                points: vec![check],
            }),
        }
    }
    rows
}
