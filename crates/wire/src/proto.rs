//! The service `reoclo.runner.v1.Runner`, generated from `proto/reoclo/runner/v1/runner.proto`.

use std::fmt;

pub use generated::*;

#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    reason = "generated code"
)]
mod generated {
    tonic::include_proto!("reoclo.runner.v1");
}

/// Shows sizes only: a command and its environment hold secrets.
impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec")
            .field("command_bytes", &self.command.len())
            .field("env_keys", &self.env.len())
            .field("timeout_seconds", &self.timeout_seconds)
            .finish_non_exhaustive()
    }
}

/// Leaves the password out.
impl fmt::Debug for RegistryLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryLogin")
            .field("registry", &self.registry)
            .field("username", &self.username)
            .field("timeout_seconds", &self.timeout_seconds)
            .finish_non_exhaustive()
    }
}

/// Leaves the holder out, which a client chooses.
impl fmt::Debug for RegistryLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryLogout")
            .field("registry", &self.registry)
            .field("timeout_seconds", &self.timeout_seconds)
            .finish_non_exhaustive()
    }
}
