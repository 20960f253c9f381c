//! One check: the runner is asked what its host does.

use std::time::Duration;

use async_recursion::async_recursion as boxed;
use reoclo_domain::{HostChecks, HostSample, Metric, ServerId};
use reoclo_wire::ability::Ability;
use reoclo_wire::proto::MetricsReply;
use tokio::time::timeout;
use tonic::Status;

use crate::Dispatcher;
use crate::runners::{Link, is_unknown_call};

const MIB: f64 = 1024.0 * 1024.0;

impl Dispatcher {
    /// Asks a connected runner, and notes whether it answered.
    pub(crate) async fn check_runner(&self, server: ServerId, link: &Link) {
        let begun = self.clock().monotonic();
        let answer = timeout(self.settings().describe_timeout, ask(link)).await;
        let latency = self.clock().monotonic().saturating_sub(begun);
        let at = self.now();
        let check = match answer {
            Ok(Ok(sample)) => {
                let milliseconds = latency.as_secs_f64() * 1000.0;
                HostChecks::answered(at, sample.with(Metric::LatencyMs, milliseconds))
            }
            Ok(Err(_)) | Err(_) => HostChecks::failed(at),
        };
        self.checks().note(server, check);
    }

    /// Asks a server now, if its runner is connected.
    #[boxed]
    pub async fn check_now(&self, server: ServerId) {
        if let Some(link) = self.seats().link(server) {
            self.check_runner(server, &link).await;
        }
    }

    /// Notes a failed check for every server whose runner should be connected and is not; called
    /// once in each interval of the checks. Runners have some time to come back after a start.
    #[boxed]
    pub async fn check_absent(&self) {
        let monitored = match self.store().monitored_servers().await {
            Ok(monitored) => monitored,
            Err(error) if error.is_of_an_outage() => return,
            Err(error) => return tracing::warn!(%error, "the servers to check are not known"),
        };
        self.checks().keep(&monitored);
        let uptime = self.clock().monotonic().saturating_sub(self.checks().since);
        if uptime < self.settings().resume_grace {
            return;
        }
        let at = self.now();
        for server in monitored {
            if !self.is_connected(server) {
                self.checks().note(server, HostChecks::failed(at));
            }
        }
    }

    /// A random part of a time, so that not everybody is asked in the same moment.
    pub(crate) fn fraction_of(&self, most: Duration) -> Duration {
        let mut random = [0; 4];
        self.entropy().fill(&mut random);
        most.mul_f64(f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX))
    }
}

/// A runner that is too old to measure is asked who it is instead: it answers, or it does not.
async fn ask(link: &Link) -> Result<HostSample, Status> {
    if !link.lacks(Ability::Metrics) {
        match link.calls().metrics().await {
            Ok(reply) => return Ok(sample(&reply)),
            Err(status) if is_unknown_call(&status) => link.set_lacks(Ability::Metrics),
            Err(status) => return Err(status),
        }
    }
    link.calls().describe().await?;
    Ok(HostSample::default())
}

/// What is zero where it cannot be is not known.
fn sample(reply: &MetricsReply) -> HostSample {
    let mut sample = HostSample::default()
        .with(Metric::Load1, reply.load_1)
        .with(Metric::Load5, reply.load_5)
        .with(Metric::Load15, reply.load_15);
    let optional = [
        (Metric::CpuPercent, reply.cpu_percent),
        (Metric::NetworkRx, reply.network_rx_bytes_per_second),
        (Metric::NetworkTx, reply.network_tx_bytes_per_second),
    ];
    for (metric, value) in optional {
        if let Some(value) = value {
            sample = sample.with(metric, value);
        }
    }
    let pairs = [
        (
            Metric::MemoryUsedMb,
            reply.memory_used_bytes,
            reply.memory_total_bytes,
        ),
        (
            Metric::MemoryTotalMb,
            reply.memory_total_bytes,
            reply.memory_total_bytes,
        ),
        (
            Metric::DiskUsedMb,
            reply.disk_used_bytes,
            reply.disk_total_bytes,
        ),
        (
            Metric::DiskTotalMb,
            reply.disk_total_bytes,
            reply.disk_total_bytes,
        ),
    ];
    for (metric, bytes, total) in pairs {
        if total > 0 {
            sample = sample.with(metric, float(bytes.min(total)) / MIB);
        }
    }
    sample
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody needs the last byte of a gigabyte"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_answer_is_cut_to_what_can_be() {
        let reply = MetricsReply {
            cpu_percent: Some(f64::INFINITY),
            memory_used_bytes: u64::MAX,
            memory_total_bytes: 1024 * 1024,
            disk_used_bytes: 5,
            disk_total_bytes: 0,
            network_rx_bytes_per_second: Some(f64::NAN),
            network_tx_bytes_per_second: Some(-1.0),
            load_1: f64::NEG_INFINITY,
            load_5: f64::NAN,
            load_15: 1e300,
        };
        let sample = sample(&reply);
        assert_eq!(sample.get(Metric::CpuPercent), Some(100.0));
        assert_eq!(sample.get(Metric::MemoryUsedMb), Some(1.0));
        assert_eq!(sample.get(Metric::DiskUsedMb), None);
        assert_eq!(sample.get(Metric::NetworkRx), None);
        assert_eq!(sample.get(Metric::NetworkTx), Some(0.0));
        assert_eq!(sample.get(Metric::Load1), Some(0.0));
        assert_eq!(sample.get(Metric::Load5), None);
        assert_eq!(sample.get(Metric::Load15), Some(1e6));
    }
}
