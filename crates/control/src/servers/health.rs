//! How a server is.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_dispatch::{Checked, Stretch, UNHEALTHY_AFTER};
use reoclo_domain::{HostChecks, Metric, Resolution, ServerStatus, Timestamp};
use reoclo_store::ServerRecord;

use super::Servers;
use crate::{Authorized, Refusal, ServersRead};

/// From here on a disk is worth a look, and from the second on in danger, in percent.
const DISK_LIMITS: [f64; 2] = [80.0, 90.0];

/// How a server is.
#[derive(Debug)]
pub struct ServerHealth {
    /// The server.
    pub server: ServerRecord,
    /// `healthy`, `unhealthy`, or `unknown` before its runner has ever connected.
    pub status: &'static str,
    /// Whether its runner is connected to this process.
    pub is_connected: bool,
    /// Checks that failed since one was answered.
    pub consecutive_failures: u32,
    /// When it was last asked.
    pub last_check_at: Option<Timestamp>,
    /// The last answer.
    pub answered: Option<HostChecks>,
    /// What an old runner does not do.
    pub note: Option<String>,
}

impl Servers<'_> {
    /// How a server of the caller's organization is.
    #[boxed]
    pub async fn health(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
    ) -> Result<ServerHealth, Refusal> {
        let organization = proof.caller().organization();
        let server = self.find(organization, reference).await?;
        self.health_of(server).await
    }

    /// Asks a server of the caller's organization now, and says how it is.
    #[boxed]
    pub async fn check(
        &self,
        proof: &Authorized<ServersRead>,
        reference: &str,
    ) -> Result<ServerHealth, Refusal> {
        let organization = proof.caller().organization();
        let server = self.find(organization, reference).await?;
        self.dispatcher.check_now(server.id).await;
        self.health_of(server).await
    }

    async fn health_of(self, server: ServerRecord) -> Result<ServerHealth, Refusal> {
        let is_connected = self.dispatcher.is_connected(server.id);
        let checked = self.dispatcher.checked(server.id);
        let answered = match checked.answered {
            Some(answered) => Some(answered),
            None => self.last_stored(&server).await?,
        };
        Ok(ServerHealth {
            status: status(&server, is_connected, &checked),
            is_connected,
            consecutive_failures: checked.failures,
            last_check_at: checked.last_at,
            answered,
            note: self.lack_of_metrics(server.id),
            server,
        })
    }

    /// From before a restart, or from another replica.
    async fn last_stored(self, server: &ServerRecord) -> Result<Option<HostChecks>, Refusal> {
        let now = self.core.now();
        let stretch = Stretch {
            organization: server.organization,
            server: server.id,
            from: now.minus(Duration::from_mins(10)),
            to: now,
        };
        let points = self.dispatcher.measured(stretch, Resolution::Fine).await?;
        Ok(points.into_iter().rev().find(|point| point.ok > 0))
    }
}

fn status(server: &ServerRecord, is_connected: bool, checked: &Checked) -> &'static str {
    if server.status == ServerStatus::Provisioning {
        return "unknown";
    }
    // Active and not connected here: another replica has it.
    let is_there = is_connected || server.status == ServerStatus::Active;
    if is_there && checked.failures < UNHEALTHY_AFTER {
        "healthy"
    } else {
        "unhealthy"
    }
}

impl ServerHealth {
    /// How long the last answer took, in milliseconds.
    pub fn last_latency_ms(&self) -> Option<f64> {
        self.answered.as_ref()?.sample.get(Metric::LatencyMs)
    }

    /// How full the root file system is.
    pub fn disk_percent(&self) -> Option<f64> {
        let sample = &self.answered.as_ref()?.sample;
        percent(
            sample.get(Metric::DiskUsedMb),
            sample.get(Metric::DiskTotalMb),
        )
    }

    /// `ok`, `warning` from 80 % on, `critical` from 90 % on; `unknown` without a measurement.
    pub fn disk_status(&self) -> &'static str {
        let [warning, critical] = DISK_LIMITS;
        match self.disk_percent() {
            None => "unknown",
            Some(percent) if percent >= critical => "critical",
            Some(percent) if percent >= warning => "warning",
            Some(_) => "ok",
        }
    }
}

/// A part of a whole in percent, where both are known.
fn percent(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let whole = whole.filter(|whole| *whole > 0.0)?;
    Some(part? * 100.0 / whole)
}
