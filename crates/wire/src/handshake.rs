//! How a connecting runner proves which server it is.
//!
//! Three JSON texts on the fresh WebSocket, before bytes flow: the control plane sends a
//! [`Challenge`], the runner a [`Proof`], the control plane a [`Welcome`], or it closes with one
//! of [`CloseCode`]. The nonce is used once, and the signature covers the control plane's id as
//! the runner pinned it at enrolment, so that a proof made for one control plane is worth nothing
//! at another.

mod close_code;
mod signed;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

pub use close_code::CloseCode;
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
}

impl Challenge {
    /// Makes a challenge; `nonce` must be fresh from a secure source.
    pub fn new(control_plane_id: impl Into<String>, nonce: &[u8; NONCE_BYTES]) -> Self {
        Self {
            control_plane_id: control_plane_id.into(),
            nonce: STANDARD.encode(nonce),
        }
    }
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
    })
}

/// Whether `proof` answers `challenge` and was made with the private half of `public_key`, which
/// is the one that was stored for `proof.server_id`.
pub fn verify(public_key: &[u8], challenge: &Challenge, proof: &Proof) -> bool {
    let (Some(nonce), Ok(signature)) = (nonce_of(challenge), STANDARD.decode(&proof.signature))
    else {
        return false;
    };
    let signed = signed_bytes(&challenge.control_plane_id, &proof.server_id, &nonce);
    UnparsedPublicKey::new(&ED25519, public_key)
        .verify(&signed, &signature)
        .is_ok()
}

fn nonce_of(challenge: &Challenge) -> Option<[u8; NONCE_BYTES]> {
    STANDARD
        .decode(&challenge.nonce)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
}

#[cfg(test)]
mod tests;
