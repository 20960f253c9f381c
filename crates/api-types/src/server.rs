use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A server, as lists and pages show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerBody {
    /// The id that item routes and `server_id` take.
    pub id: String,
    /// A short name, unique in the organization.
    pub slug: String,
    /// The name that a person gave it.
    pub name: String,
    /// The host's own name; empty until its runner has connected.
    pub hostname: String,
    /// The address that its runner connects from, when it is a public one.
    pub public_ip: Option<String>,
    /// `provisioning`, `active`, `unreachable` or `decommissioned`.
    pub status: String,
    /// The version of its runner.
    pub runner_version: Option<String>,
    /// How it is reached: always `runner`.
    pub connection_type: String,
    /// Processors.
    pub cpu_cores: Option<i64>,
    /// Memory in MiB.
    pub ram_mb: Option<i64>,
    /// Size of the root file system in GiB.
    pub disk_gb: Option<i64>,
    /// The operating system's name.
    pub os: Option<String>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The processor's architecture.
    pub architecture: Option<String>,
    /// The version of the Docker engine, when there is one.
    pub docker_version: Option<String>,
    /// When its runner last reported.
    pub last_seen_at: Option<String>,
    /// When it was added.
    pub created_at: String,
}
