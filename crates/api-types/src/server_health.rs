use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a server measures now, and measured; what is not known is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerMetricsBody {
    /// The server.
    pub server_id: String,
    /// When the values below were measured.
    pub collected_at: Option<String>,
    /// Processor time in use, in percent of all cores.
    pub cpu_percent: Option<f64>,
    /// Memory in use, in MiB.
    pub memory_used_mb: Option<f64>,
    /// All memory, in MiB.
    pub memory_total_mb: Option<f64>,
    /// Memory in use, in percent.
    pub memory_percent: Option<f64>,
    /// Space in use on the root file system, in GiB.
    pub disk_used_gb: Option<f64>,
    /// All space on the root file system, in GiB.
    pub disk_total_gb: Option<f64>,
    /// Space in use on the root file system, in percent.
    pub disk_percent: Option<f64>,
    /// Bytes received per second.
    pub network_rx_bytes_per_second: Option<f64>,
    /// Bytes sent per second.
    pub network_tx_bytes_per_second: Option<f64>,
    /// Load average of one minute.
    pub load_1: Option<f64>,
    /// Load average of five minutes.
    pub load_5: Option<f64>,
    /// Load average of fifteen minutes.
    pub load_15: Option<f64>,
    /// How many hours the history goes back.
    pub hours: i64,
    /// Seconds between two points of the history.
    pub resolution: i64,
    /// The oldest first.
    pub history: Vec<MetricsPointBody>,
    /// What to do where there is less than could be.
    pub message: Option<String>,
}

/// Measurements at one time, or their average over the time to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricsPointBody {
    /// When.
    pub collected_at: String,
    /// How often the server was asked.
    pub total_checks: i64,
    /// How often it answered.
    pub ok_checks: i64,
    /// Processor time in use, in percent of all cores.
    pub cpu_percent: Option<f64>,
    /// Memory in use, in MiB.
    pub memory_used_mb: Option<f64>,
    /// All memory, in MiB.
    pub memory_total_mb: Option<f64>,
    /// Memory in use, in percent.
    pub memory_percent: Option<f64>,
    /// Space in use on the root file system, in GiB.
    pub disk_used_gb: Option<f64>,
    /// All space on the root file system, in GiB.
    pub disk_total_gb: Option<f64>,
    /// Space in use on the root file system, in percent.
    pub disk_percent: Option<f64>,
    /// Bytes received per second.
    pub network_rx_bytes_per_second: Option<f64>,
    /// Bytes sent per second.
    pub network_tx_bytes_per_second: Option<f64>,
    /// Load average of one minute.
    pub load_1: Option<f64>,
    /// Load average of five minutes.
    pub load_5: Option<f64>,
    /// Load average of fifteen minutes.
    pub load_15: Option<f64>,
}

/// How a server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerHealthBody {
    /// The server.
    pub server_id: String,
    /// `healthy`, `unhealthy`, or `unknown` before its runner has ever connected.
    pub status: String,
    /// Whether its runner is connected.
    pub connected: bool,
    /// Checks that failed since one was answered.
    pub consecutive_failures: i64,
    /// How long the last answer took, in milliseconds.
    pub last_latency_ms: Option<f64>,
    /// When it was last asked.
    pub last_check_at: Option<String>,
    /// Processor time in use, in percent of all cores.
    pub cpu_percent: Option<f64>,
    /// Memory in use, in percent.
    pub memory_percent: Option<f64>,
    /// Space in use on the root file system, in percent.
    pub disk_percent: Option<f64>,
    /// `ok`, `warning` from 80 % on, `critical` from 90 % on, or `unknown`.
    pub disk_status: String,
    /// What to do where there is less than could be.
    pub message: Option<String>,
}

/// Which ports a server listens on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerPortsBody {
    /// By number.
    pub listening_ports: Vec<ListeningPortBody>,
    /// What stands before them.
    pub firewall: FirewallBody,
    /// Ports that Docker leads to containers.
    pub docker_port_bindings: Vec<PortBindingBody>,
    /// Whether there were more than are listed.
    pub truncated: bool,
    /// When.
    pub scanned_at: String,
}

/// A port that something listens on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ListeningPortBody {
    /// Its number.
    pub port: i64,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The address; `0.0.0.0` and `::` are all of them.
    pub address: String,
    /// The name of the process, where the runner may see it.
    pub process: Option<String>,
}

/// A firewall on the host itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FirewallBody {
    /// Whether there is one.
    pub detected: bool,
    /// Whether it looks at what comes in, as far as the runner may see.
    pub active: bool,
    /// `ufw`, `firewalld`, `nftables` or `iptables`.
    pub backend: Option<String>,
}

/// A port of the host that Docker leads to a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PortBindingBody {
    /// The container's name.
    pub container: String,
    /// The port in it.
    pub container_port: i64,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The host's address.
    pub host_address: String,
    /// The host's port.
    pub host_port: i64,
}

/// How much of the time a server answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerUptimeBody {
    /// The slots, the oldest first; the last one is not over.
    pub buckets: Vec<UptimeBucketBody>,
    /// Of all checks, those that were answered, in percent; 0 when there were none.
    pub overall_uptime_pct: f64,
    /// How far back the slots go.
    pub hours: i64,
    /// How long a slot is.
    pub slot_minutes: i64,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UptimeBucketBody {
    /// When it begins.
    pub slot_start: String,
    /// When it ends.
    pub slot_end: String,
    /// How often the server was asked.
    pub total_checks: i64,
    /// How often it answered.
    pub ok_checks: i64,
    /// Of these checks, those that were answered, in percent; 0 when there were none.
    pub uptime_pct: f64,
    /// `healthy`, `unhealthy`, `grace` (a restart) or `no_data`.
    pub status: String,
}
