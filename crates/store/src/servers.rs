//! Servers, their runners' identities, and enrolment.

mod change;
mod create;
mod enrol;
mod find;
mod machines;
mod remove;
mod row;
mod status;

pub(crate) use create::insert;
pub use enrol::EnrolOutcome;
pub(crate) use find::load_names;

use reoclo_domain::{
    DisplayName, OrganizationId, ServerId, ServerStatus, Slug, Timestamp, TokenHash,
};

/// A server to add; it begins as `provisioning`.
#[derive(Clone, Debug)]
pub struct NewServer {
    /// Its id.
    pub id: ServerId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name in addresses; unique among the organization's servers in use.
    pub slug: Slug,
    /// Its name for people.
    pub name: DisplayName,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A runner's one-time enrolment.
#[derive(Clone, Copy, Debug)]
pub struct NewEnrolment {
    /// The hash of the enrolment token.
    pub token: TokenHash,
    /// From this moment on the token is dead.
    pub expires_at: Timestamp,
}

/// What a runner says about its host. Untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFacts {
    /// The host's own name.
    pub hostname: String,
    /// The distribution and its version.
    pub os: String,
    /// The kernel's release.
    pub kernel: String,
    /// The processor's architecture.
    pub architecture: String,
    /// Processor cores.
    pub cpu_cores: i64,
    /// Main memory in MiB.
    pub ram_mb: i64,
    /// The root file system in GiB.
    pub disk_gb: i64,
    /// The Docker engine's version, when there is one.
    pub docker_version: Option<String>,
}

/// A server as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerRecord {
    /// Its id.
    pub id: ServerId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// Where it stands.
    pub status: ServerStatus,
    /// What its runner last said about the host.
    pub facts: Option<HostFacts>,
    /// The address that its runner was last seen at.
    pub public_ip: Option<String>,
    /// The version of its runner.
    pub runner_version: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its runner was last known to be there.
    pub last_seen_at: Option<Timestamp>,
}

/// What a connecting runner is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerIdentity {
    /// The server it speaks for.
    pub server: ServerId,
    /// The server's organization.
    pub organization: OrganizationId,
    /// Its ed25519 public key, once enrolled; gone when the server is decommissioned.
    pub public_key: Option<Vec<u8>>,
    /// Where the server stands.
    pub status: ServerStatus,
}
