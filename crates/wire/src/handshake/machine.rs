use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reoclo_domain::hex;
use ring::digest::{SHA256, digest};
use ring::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};

use super::signed::join;
use super::{Challenge, NONCE_BYTES, Proof, is_signed, nonce_of};

/// Separates these signatures from any other use of the runner's key.
const LABEL: &[u8] = b"reoclo-runner-machine-v1";
/// Separates fingerprints from any other use of the same parts.
const FINGERPRINT: &[u8] = b"reoclo-machine-fingerprint-v1";
/// Enough to tell the few machines of one server apart.
const FINGERPRINT_BYTES: usize = 8;

/// What tells a machine from a copy of it. A part that is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Machine {
    /// Of the kernel: another one after every start, and the same in all containers.
    #[serde(default)]
    pub boot_id: String,
    /// Of the installation, hashed: stays, and is the same on a cloned disk.
    #[serde(default)]
    pub machine_id: String,
    /// Of the supervisor's process.
    #[serde(default)]
    pub instance_id: String,
}

impl Machine {
    /// Whether the two differ in a part that both of them know.
    pub fn is_another_than(&self, other: &Self) -> bool {
        self.parts()
            .into_iter()
            .zip(other.parts())
            .any(|(one, other)| !one.is_empty() && !other.is_empty() && one != other)
    }

    /// A short name that people compare: the machine's own `reoclo runner status` prints it, and so
    /// does the page on which an admin tells a machine from its copy.
    pub fn fingerprint(&self) -> String {
        let [boot_id, machine_id, instance_id] = self.parts().map(str::as_bytes);
        let named = join(&[FINGERPRINT, boot_id, machine_id, instance_id]);
        hex::encode(&digest(&SHA256, &named).as_ref()[..FINGERPRINT_BYTES])
    }

    fn parts(&self) -> [&str; 3] {
        [&self.boot_id, &self.machine_id, &self.instance_id]
    }
}

/// On which machine a runner is, signed with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineProof {
    /// [`NONCE_BYTES`] random bytes in base64, never used before: the control plane signs them.
    pub nonce: String,
    /// The machine.
    #[serde(flatten)]
    pub machine: Machine,
    /// The signature in base64.
    pub signature: String,
    /// What the machine calls itself, so that people recognise it; not signed and not trusted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host_name: String,
}

/// Says on which machine the runner is that answers a challenge. `nonce` must be fresh from a
/// secure source.
///
/// `None` when the challenge's nonce is malformed.
pub fn prove_machine(
    key: &Ed25519KeyPair,
    challenge: &Challenge,
    server_id: &str,
    machine: Machine,
    nonce: &[u8; NONCE_BYTES],
) -> Option<MachineProof> {
    let mut proof = MachineProof {
        nonce: STANDARD.encode(nonce),
        machine,
        signature: String::new(),
        host_name: String::new(),
    };
    let statement = statement(challenge, server_id, &proof)?;
    proof.signature = STANDARD.encode(key.sign(&statement));
    Some(proof)
}

/// Whether what `proof` says of its machine was signed with the private half of `public_key`. A
/// proof that says nothing is as good as one of an older runner.
pub fn verify_machine(public_key: &[u8], challenge: &Challenge, proof: &Proof) -> bool {
    let Some(machine) = &proof.machine else {
        return true;
    };
    statement(challenge, &proof.server_id, machine)
        .is_some_and(|statement| is_signed(public_key, &statement, &machine.signature))
}

fn statement(challenge: &Challenge, server_id: &str, proof: &MachineProof) -> Option<Vec<u8>> {
    let nonce = nonce_of(challenge)?;
    let [boot_id, machine_id, instance_id] = proof.machine.parts();
    Some(join(&[
        LABEL,
        challenge.control_plane_id.as_bytes(),
        server_id.as_bytes(),
        &nonce,
        proof.nonce.as_bytes(),
        boot_id.as_bytes(),
        machine_id.as_bytes(),
        instance_id.as_bytes(),
    ]))
}
