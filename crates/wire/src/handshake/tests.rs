use ring::signature::KeyPair;

use super::*;

const CONTROL_PLANE: &str = "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2aa";
const SERVER: &str = "0190b6f2-6f0c-7cc3-98c5-d1a0c3b1f2bb";

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn challenge(nonce: u8) -> Challenge {
    Challenge::new(CONTROL_PLANE, &[nonce; NONCE_BYTES])
}

fn proof(challenge: &Challenge) -> Proof {
    prove(&key(1), CONTROL_PLANE, SERVER, "1.0", challenge).unwrap()
}

fn accepted(key: &Ed25519KeyPair, challenge: &Challenge, proof: &Proof) -> bool {
    verify(key.public_key().as_ref(), challenge, proof)
}

#[test]
fn a_proof_is_accepted_for_its_challenge() {
    assert!(accepted(&key(1), &challenge(7), &proof(&challenge(7))));
}

#[test]
fn another_key_is_refused() {
    assert!(!accepted(&key(2), &challenge(7), &proof(&challenge(7))));
}

#[test]
fn a_proof_for_another_nonce_is_refused() {
    assert!(!accepted(&key(1), &challenge(8), &proof(&challenge(7))));
}

#[test]
fn a_proof_for_another_server_is_refused() {
    let mut proof = proof(&challenge(7));
    proof.server_id = CONTROL_PLANE.to_owned();
    assert!(!accepted(&key(1), &challenge(7), &proof));
}

#[test]
fn a_proof_for_another_control_plane_is_refused() {
    let mut elsewhere = challenge(7);
    elsewhere.control_plane_id = SERVER.to_owned();
    assert!(!accepted(&key(1), &elsewhere, &proof(&challenge(7))));
}

#[test]
fn malformed_parts_are_refused() {
    let good = proof(&challenge(7));
    for signature in ["", "not base64", "AAAA"] {
        let bad = Proof {
            signature: signature.to_owned(),
            ..good.clone()
        };
        assert!(!accepted(&key(1), &challenge(7), &bad));
    }
    for nonce in ["", "*", "AAAA"] {
        let bad = Challenge {
            nonce: nonce.to_owned(),
            ..challenge(7)
        };
        assert!(!accepted(&key(1), &bad, &good));
        assert_eq!(prove(&key(1), CONTROL_PLANE, SERVER, "1.0", &bad), None);
    }
    assert!(!verify(b"short", &challenge(7), &good));
}

/// A runner and a control plane of different versions: what one does not know, it leaves out, and
/// what is not said is none.
#[test]
fn messages_of_other_versions_are_read() {
    let older: Welcome = serde_json::from_str("{}").unwrap();
    assert_eq!(older, Welcome::default());
    let newer = r#"{"program":null,"region":"of a newer control plane"}"#;
    assert_eq!(serde_json::from_str::<Welcome>(newer).unwrap(), older);
    assert_eq!(serde_json::to_string(&older).unwrap(), "{}");

    let mut sent = serde_json::to_value(proof(&challenge(7))).unwrap();
    assert_eq!(
        sent.as_object().unwrap().len(),
        3,
        "as an older one sends it"
    );
    sent["of"] = "a newer runner".into();
    let read: Proof = serde_json::from_value(sent).unwrap();
    assert!(accepted(&key(1), &challenge(7), &read));
}

#[test]
fn parts_cannot_flow_into_each_other() {
    let nonce = [0; NONCE_BYTES];
    assert_ne!(
        signed_bytes("ab", "c", &nonce),
        signed_bytes("a", "bc", &nonce)
    );
}

#[test]
fn close_codes_are_their_numbers() {
    for code in CloseCode::ALL {
        assert_eq!(CloseCode::from_code(code.code()), Some(code));
    }
    assert_eq!(CloseCode::from_code(1000), None);
}
