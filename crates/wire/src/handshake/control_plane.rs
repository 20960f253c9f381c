//! What the control plane signs, so that a runner believes nobody else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::Ed25519KeyPair;
use serde::{Deserialize, Serialize};

use super::signed::join;
use super::{
    Challenge, CloseCode, ProgramOffer, Proof, Welcome, decode_nonce, is_signed, nonce_of,
};

/// Separates these signatures from any other use of the control plane's key.
const LABEL: &[u8] = b"reoclo-control-plane-v1";

/// Sent before a close code, in the handshake or at any time after it: that the control plane
/// itself closes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Farewell {
    /// The number of the close code that follows.
    pub farewell: u16,
    /// A sentence for whoever reads the runner's log.
    pub reason: String,
    /// The control plane's signature in base64.
    pub signature: String,
}

impl Farewell {
    /// The code that follows; `None` for one that is not ours.
    pub fn code(&self) -> Option<CloseCode> {
        CloseCode::from_code(self.farewell)
    }
}

/// Signs a welcome that answers `proof`; `None` for a runner that sent no nonce to sign.
pub fn sign_welcome(
    key: &Ed25519KeyPair,
    challenge: &Challenge,
    proof: &Proof,
    program: Option<&ProgramOffer>,
) -> Option<String> {
    let statement = welcome(challenge, proof, program)?;
    Some(STANDARD.encode(key.sign(&statement)))
}

/// Whether the control plane whose public key this is answers `proof` with this welcome, with
/// nothing that was said before changed on the way.
pub fn verify_welcome(
    public_key: &[u8],
    challenge: &Challenge,
    proof: &Proof,
    answer: &Welcome,
) -> bool {
    let statement = welcome(challenge, proof, answer.program.as_ref());
    let (Some(statement), Some(signature)) = (statement, &answer.signature) else {
        return false;
    };
    is_signed(public_key, &statement, signature)
}

/// A signed farewell; `None` for a runner that sent no nonce to sign.
pub fn sign_farewell(
    key: &Ed25519KeyPair,
    challenge: &Challenge,
    proof: &Proof,
    code: u16,
    reason: &str,
) -> Option<Farewell> {
    let statement = farewell(challenge, proof, code, reason)?;
    Some(Farewell {
        farewell: code,
        reason: reason.to_owned(),
        signature: STANDARD.encode(key.sign(&statement)),
    })
}

/// Whether the control plane whose public key this is ends the connection of `proof`.
pub fn verify_farewell(
    public_key: &[u8],
    challenge: &Challenge,
    proof: &Proof,
    said: &Farewell,
) -> bool {
    farewell(challenge, proof, said.farewell, &said.reason)
        .is_some_and(|statement| is_signed(public_key, &statement, &said.signature))
}

fn welcome(
    challenge: &Challenge,
    proof: &Proof,
    program: Option<&ProgramOffer>,
) -> Option<Vec<u8>> {
    let Some(offer) = program else {
        return statement(challenge, proof, &[b"welcome"]);
    };
    let size = offer.size.to_string();
    let parts: [&[u8]; 5] = [
        b"welcome with program",
        offer.version.as_bytes(),
        offer.platform.as_bytes(),
        offer.sha256.as_bytes(),
        size.as_bytes(),
    ];
    statement(challenge, proof, &parts)
}

fn farewell(challenge: &Challenge, proof: &Proof, code: u16, reason: &str) -> Option<Vec<u8>> {
    let code = code.to_string();
    let parts: [&[u8]; 3] = [b"farewell", code.as_bytes(), reason.as_bytes()];
    statement(challenge, proof, &parts)
}

/// Both nonces, who speaks with whom, and the runner's signatures: somebody in between who spoils
/// a proof gets a refusal of the spoiled one, which is worth nothing to the runner.
fn statement(challenge: &Challenge, proof: &Proof, content: &[&[u8]]) -> Option<Vec<u8>> {
    let machine = proof.machine.as_ref()?;
    let (nonce, own) = (nonce_of(challenge)?, decode_nonce(&machine.nonce)?);
    let before: [&[u8]; 7] = [
        LABEL,
        challenge.control_plane_id.as_bytes(),
        proof.server_id.as_bytes(),
        &nonce,
        &own,
        proof.signature.as_bytes(),
        machine.signature.as_bytes(),
    ];
    Some(join(&[&before[..], content].concat()))
}
