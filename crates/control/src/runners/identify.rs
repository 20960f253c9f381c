//! Which server a connecting runner speaks for.

use reoclo_domain::{ServerId, ServerStatus};
use reoclo_store::RunnerIdentity;
use reoclo_wire::handshake::{Challenge, NONCE_BYTES, Proof, verify};

use crate::Control;

/// Why a runner was turned away, with the WebSocket close code that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunnerRejected {
    /// Unknown server, wrong key or wrong signature: all look the same.
    #[error("the runner's identity is not known here: enrol it again with a new token")]
    Unknown,
    /// The server was removed.
    #[error("the server was decommissioned: this runner has nothing to do any more")]
    Decommissioned,
    /// The identity could not be looked up.
    #[error("the control plane cannot check identities now")]
    Unavailable,
}

impl Control {
    /// The challenge for one connection; its nonce is used once.
    pub fn runner_challenge(&self) -> Challenge {
        let mut nonce = [0; NONCE_BYTES];
        self.entropy().fill(&mut nonce);
        Challenge::new(self.store().instance().control_plane_id.to_string(), &nonce)
    }

    /// Checks a runner's proof against the key that it enrolled with.
    pub async fn identify_runner(
        &self,
        challenge: &Challenge,
        proof: &Proof,
    ) -> Result<RunnerIdentity, RunnerRejected> {
        let server: ServerId = proof
            .server_id
            .parse()
            .map_err(|_| RunnerRejected::Unknown)?;
        let known = self.store().runner_identity(server).await;
        let identity = known
            .map_err(|_| RunnerRejected::Unavailable)?
            .ok_or(RunnerRejected::Unknown)?;
        // Its key is gone with it, so this says nothing that a proof would have to guard.
        if identity.status == ServerStatus::Decommissioned {
            return Err(RunnerRejected::Decommissioned);
        }
        let key = identity
            .public_key
            .as_deref()
            .ok_or(RunnerRejected::Unknown)?;
        if verify(key, challenge, proof) {
            Ok(identity)
        } else {
            Err(RunnerRejected::Unknown)
        }
    }
}
