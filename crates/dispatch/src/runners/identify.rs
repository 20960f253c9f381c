//! Which server a connecting runner speaks for.

use async_recursion::async_recursion as boxed;
use reoclo_domain::{ServerId, ServerStatus};
use reoclo_store::RunnerIdentity;
use reoclo_wire::handshake::{
    Challenge, Farewell, NONCE_BYTES, ProgramOffer, Proof, Welcome, sign_farewell, sign_welcome,
    verify, verify_machine,
};

use super::Runners;

/// Why a runner was turned away, with the WebSocket close code that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunnerRejected {
    /// Unknown server, wrong key or wrong signature: all look the same.
    #[error("the runner's identity is not known here: enrol it again with a new token")]
    Unknown,
    /// The server was removed.
    #[error("the server was decommissioned: this runner has nothing to do any more")]
    Decommissioned,
    /// Another machine with the same identity is connected and alive, or was chosen.
    #[error(
        "another machine is connected as this server: was this disk, machine or data directory \
         copied? An admin decides on the server's page which of them stays; to make this one a \
         server of its own, add a server and run its install command here"
    )]
    AnotherMachine,
    /// A person decided against this machine.
    #[error(
        "an admin decided that another machine is this server: to make this one a server of its \
         own, add a server and run its install command here"
    )]
    NotChosen,
    /// The identity could not be looked up.
    #[error("the control plane cannot check identities now")]
    Unavailable,
}

impl Runners<'_> {
    /// The challenge for one connection; its nonce is used once.
    pub fn challenge(self) -> Challenge {
        let mut nonce = [0; NONCE_BYTES];
        self.0.entropy().fill(&mut nonce);
        let id = self.0.store().instance().control_plane_id.to_string();
        Challenge::new(id, &nonce).with_key(self.0.store().own_key())
    }

    /// The welcome that answers a proof, signed; `program` is what the control plane offers.
    pub fn welcome(
        self,
        challenge: &Challenge,
        proof: &Proof,
        program: Option<ProgramOffer>,
    ) -> Welcome {
        let key = self.0.store().own_key();
        let signature = sign_welcome(key, challenge, proof, program.as_ref());
        Welcome { program, signature }
    }

    /// Why the connection of a proof is closed, signed; none for a runner that is too old to read
    /// it.
    pub fn farewell(
        self,
        challenge: &Challenge,
        proof: &Proof,
        code: u16,
        reason: &str,
    ) -> Option<Farewell> {
        sign_farewell(self.0.store().own_key(), challenge, proof, code, reason)
    }

    /// Checks a runner's proof against the key that it enrolled with.
    #[boxed]
    pub async fn identify(
        &self,
        challenge: &Challenge,
        proof: &Proof,
    ) -> Result<RunnerIdentity, RunnerRejected> {
        let server: ServerId = proof
            .server_id
            .parse()
            .map_err(|_| RunnerRejected::Unknown)?;
        let known = self.0.store().runner_identity(server).await;
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
        if verify(key, challenge, proof) && verify_machine(key, challenge, proof) {
            Ok(identity)
        } else {
            Err(RunnerRejected::Unknown)
        }
    }
}
