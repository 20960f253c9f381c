//! How a connecting runner proves which server it is.
//!
//! Three JSON texts on the fresh WebSocket, before bytes flow: the control plane sends a
//! [`Challenge`], the runner a [`Proof`], the control plane a [`Welcome`], or it closes with one
//! of [`CloseCode`]. The nonce is used once, and the signature covers the control plane's id as
//! the runner pinned it at enrolment, so that a proof made for one control plane is worth nothing
//! at another.
//!
//! The control plane proves itself too: with the key that the runner has pinned it signs its
//! welcome, and the [`Farewell`] that it sends before a close code. Both signatures cover what
//! was said before on this connection, the runner's own nonce included.

mod close_code;
mod control_plane;
mod machine;
mod signed;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

pub use close_code::CloseCode;
pub use control_plane::{Farewell, sign_farewell, sign_welcome, verify_farewell, verify_welcome};
pub use machine::{Machine, MachineProof, prove_machine, verify_machine};
pub use signed::signed_bytes;

/// Path of the WebSocket, below the control plane's address.
pub const CONNECT_PATH: &str = "/runner/v1/connect";

/// Path that programs for runners lie below, each under the name of its platform.
pub const BINARY_PATH: &str = "/runner/v1/binary";

/// Random bytes in a nonce.
pub const NONCE_BYTES: usize = 32;

/// The control plane's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Who asks.
    pub control_plane_id: String,
    /// [`NONCE_BYTES`] random bytes in base64, never used before.
    pub nonce: String,
    /// The key that the control plane signs with: 32 bytes of ed25519 in base64. One that has
    /// none cannot prove itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

impl Challenge {
    /// Makes a challenge; `nonce` must be fresh from a secure source.
    pub fn new(control_plane_id: impl Into<String>, nonce: &[u8; NONCE_BYTES]) -> Self {
        Self {
            control_plane_id: control_plane_id.into(),
            nonce: STANDARD.encode(nonce),
            public_key: None,
        }
    }

    /// The same with the key that the control plane signs with.
    #[must_use]
    pub fn with_key(mut self, key: &Ed25519KeyPair) -> Self {
        self.public_key = Some(public_key(key));
        self
    }
}

/// The public half of a key, in base64.
pub fn public_key(key: &Ed25519KeyPair) -> String {
    STANDARD.encode(key.public_key())
}

/// The runner's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which server it says it is.
    pub server_id: String,
    /// The runner's version; not signed and not trusted.
    pub version: String,
    /// The ed25519 signature over [`signed_bytes`], in base64.
    pub signature: String,
    /// A change of the runner's program that failed, told once; not signed and not trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgrade_failed: Option<UpgradeFailure>,
    /// On which machine it is, and what the control plane's signatures are to cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineProof>,
}

/// A program that a runner was offered and did not keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeFailure {
    /// Its version.
    pub version: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Why it was not kept.
    pub reason: String,
}

/// The control plane's last message: from here on, binary messages carry the link. Fields that
/// either end does not know are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The program that the control plane has for runners, which it runs itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<ProgramOffer>,
    /// The control plane's signature, in base64: see [`verify_welcome`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// A program for runners: [`BINARY_PATH`]`/{platform}` below the control plane's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramOffer {
    /// Its version.
    pub version: String,
    /// What it runs on, such as `linux-x86_64`.
    pub platform: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
}

/// Answers a challenge. `control_plane_id` is the id that was pinned at enrolment, whatever the
/// challenge says.
///
/// `None` when the challenge's nonce is malformed.
pub fn prove(
    key: &Ed25519KeyPair,
    control_plane_id: &str,
    server_id: &str,
    version: &str,
    challenge: &Challenge,
) -> Option<Proof> {
    let nonce = nonce_of(challenge)?;
    let signature = key.sign(&signed_bytes(control_plane_id, server_id, &nonce));
    Some(Proof {
        server_id: server_id.to_owned(),
        version: version.to_owned(),
        signature: STANDARD.encode(signature),
        upgrade_failed: None,
        machine: None,
    })
}

/// Whether `proof` answers `challenge` and was made with the private half of `public_key`, which
/// is the one that was stored for `proof.server_id`.
pub fn verify(public_key: &[u8], challenge: &Challenge, proof: &Proof) -> bool {
    let Some(nonce) = nonce_of(challenge) else {
        return false;
    };
    let signed = signed_bytes(&challenge.control_plane_id, &proof.server_id, &nonce);
    is_signed(public_key, &signed, &proof.signature)
}

fn nonce_of(challenge: &Challenge) -> Option<[u8; NONCE_BYTES]> {
    decode_nonce(&challenge.nonce)
}

fn decode_nonce(nonce: &str) -> Option<[u8; NONCE_BYTES]> {
    STANDARD.decode(nonce).ok()?.try_into().ok()
}

/// Whether `signature`, in base64, over `statement` was made with the private half of
/// `public_key`.
fn is_signed(public_key: &[u8], statement: &[u8], signature: &str) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, public_key);
    STANDARD
        .decode(signature)
        .is_ok_and(|signature| key.verify(statement, &signature).is_ok())
}

#[cfg(test)]
mod tests;
