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
    /// Only while more than one machine claims to be this server, as after a disk was cloned: the
    /// one that is connected, and those that were refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<MachineBody>,
}

/// A machine that claims to be a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineBody {
    /// What `keep` takes: the fingerprint that the machine's own `reoclo runner status` prints.
    pub id: String,
    /// Whether it is the one that is connected.
    pub is_connected: bool,
    /// What the machine calls itself, if its runner said so.
    pub host_name: Option<String>,
    /// Where it connects from.
    pub address: Option<String>,
    /// When a refused one first tried.
    pub first_seen_at: Option<String>,
    /// When it last tried.
    pub last_seen_at: Option<String>,
    /// How often it tried.
    pub attempts: Option<u64>,
}

/// Decides which machine a server is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChooseMachineRequest {
    /// The id of one of the server's `machines`; the runners of the others end.
    pub keep: String,
}

/// Adds a server.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddServerRequest {
    /// 1 to 100 characters.
    pub name: String,
    /// 1 to 63 of `a-z`, `0-9` and `-`; made from the name when absent.
    pub slug: Option<String>,
}

/// A server that was added, with what its runner needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddedServerBody {
    /// The server.
    pub server: ServerBody,
    /// Shown once: enrols one runner.
    pub enrolment_token: String,
    /// When the token stops working.
    pub expires_at: String,
    /// One line to run on the server.
    pub install_command: String,
}

/// Changes what a server is called.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ChangeServerRequest {
    /// 1 to 100 characters.
    pub name: Option<String>,
    /// 1 to 63 of `a-z`, `0-9` and `-`.
    pub slug: Option<String>,
}
