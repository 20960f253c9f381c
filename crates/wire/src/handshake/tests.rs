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

fn full_proof(challenge: &Challenge) -> Proof {
    let machine = Machine {
        boot_id: "boot".into(),
        machine_id: "machine".into(),
        instance_id: "instance".into(),
    };
    Proof {
        machine: prove_machine(&key(1), challenge, SERVER, machine, &[3; NONCE_BYTES]),
        ..proof(challenge)
    }
}

fn offer() -> ProgramOffer {
    ProgramOffer {
        version: "1.0.0".into(),
        platform: "linux-x86_64".into(),
        sha256: "ab".into(),
        size: 5,
    }
}

#[test]
fn a_fingerprint_tells_every_part_apart_and_stays() {
    let machine = |boot: &str, installation: &str, instance: &str| Machine {
        boot_id: boot.into(),
        machine_id: installation.into(),
        instance_id: instance.into(),
    };
    let one = machine("boot", "machine", "instance").fingerprint();
    // Another version of either program has to print the same.
    assert_eq!(one, "5eaa431459dd73fc");
    for other in [
        machine("boot2", "machine", "instance"),
        machine("boot", "machine2", "instance"),
        machine("boot", "machine", "instance2"),
        machine("bootmachine", "", "instance"),
    ] {
        assert_ne!(one, other.fingerprint());
    }
}

#[test]
fn a_machine_is_signed_for() {
    let challenge = challenge(7);
    let good = full_proof(&challenge);
    let verified = |proof: &Proof| verify_machine(key(1).public_key().as_ref(), &challenge, proof);
    assert!(verified(&good) && verified(&proof(&challenge)));
    let changes: [fn(&mut MachineProof); 5] = [
        |proof| proof.machine.boot_id.push('x'),
        |proof| proof.machine.machine_id.clear(),
        |proof| proof.machine.instance_id.push('x'),
        |proof| proof.nonce = STANDARD.encode([4; NONCE_BYTES]),
        |proof| proof.signature.clear(),
    ];
    for change in changes {
        let mut bad = good.clone();
        change(bad.machine.as_mut().unwrap());
        assert!(!verified(&bad), "{bad:?}");
    }
}

#[test]
fn a_machine_is_another_by_any_part_that_both_know() {
    let machine = |boot: &str, id: &str, instance: &str| Machine {
        boot_id: boot.into(),
        machine_id: id.into(),
        instance_id: instance.into(),
    };
    let one = machine("b", "m", "i");
    for same in [
        machine("b", "m", "i"),
        machine("", "m", ""),
        machine("", "", ""),
    ] {
        assert!(!one.is_another_than(&same) && !same.is_another_than(&one));
    }
    for other in [
        machine("x", "m", "i"),
        machine("b", "x", "i"),
        machine("b", "", "x"),
    ] {
        assert!(one.is_another_than(&other) && other.is_another_than(&one));
    }
}

/// Whoever signed it, and whatever was changed between them.
#[test]
fn a_welcome_and_a_farewell_are_worth_something_from_the_pinned_key_alone() {
    let (challenge, own, other) = (challenge(7), key(9), key(8));
    let proof = full_proof(&challenge);
    let pinned = own.public_key().as_ref();
    let welcome = |key: &Ed25519KeyPair, proof: &Proof| Welcome {
        program: Some(offer()),
        signature: sign_welcome(key, &challenge, proof, Some(&offer())),
    };
    let farewell = |key: &Ed25519KeyPair, proof: &Proof| {
        sign_farewell(key, &challenge, proof, 4410, "because").unwrap()
    };
    let good = (welcome(&own, &proof), farewell(&own, &proof));
    let holds = |welcome: &Welcome, farewell: &Farewell, challenge: &Challenge| {
        [
            verify_welcome(pinned, challenge, &proof, welcome),
            verify_farewell(pinned, challenge, &proof, farewell),
        ]
    };
    assert_eq!(holds(&good.0, &good.1, &challenge), [true; 2]);
    let foreign = (welcome(&other, &proof), farewell(&other, &proof));
    assert_eq!(holds(&foreign.0, &foreign.1, &challenge), [false; 2]);
    // Said before, to another nonce of either side.
    assert_eq!(holds(&good.0, &good.1, &self::challenge(6)), [false; 2]);
    let mut again = proof.clone();
    again.machine.as_mut().unwrap().nonce = STANDARD.encode([4; NONCE_BYTES]);
    let replayed = (welcome(&own, &again), farewell(&own, &again));
    assert_eq!(holds(&replayed.0, &replayed.1, &challenge), [false; 2]);
    // Somebody in between spoils the proof, and passes the refusal on.
    let mut spoiled = proof.clone();
    spoiled.signature.replace_range(..1, "_");
    let relayed = (welcome(&own, &spoiled), farewell(&own, &spoiled));
    assert_eq!(holds(&relayed.0, &relayed.1, &challenge), [false; 2]);

    let mut other_program = good.0.clone();
    other_program.program.as_mut().unwrap().sha256.push('c');
    let mut no_program = good.0.clone();
    no_program.program = None;
    let mut other_code = good.1.clone();
    other_code.farewell = 4401;
    assert_eq!(holds(&other_program, &other_code, &challenge), [false; 2]);
    assert!(!verify_welcome(pinned, &challenge, &proof, &no_program));
    assert!(!verify_welcome(
        pinned,
        &challenge,
        &proof,
        &Welcome::default()
    ));
}

#[test]
fn nothing_is_signed_for_a_runner_that_sent_no_nonce() {
    let challenge = challenge(7);
    let older = proof(&challenge);
    assert_eq!(sign_welcome(&key(9), &challenge, &older, None), None);
    assert_eq!(sign_farewell(&key(9), &challenge, &older, 4410, ""), None);
}

/// An older runner takes it for a welcome and goes on to the close code.
#[test]
fn a_farewell_is_told_from_a_welcome() {
    let challenge = challenge(7);
    let said = sign_farewell(&key(9), &challenge, &full_proof(&challenge), 4410, "x").unwrap();
    let text = serde_json::to_string(&said).unwrap();
    assert_eq!(serde_json::from_str::<Farewell>(&text).unwrap(), said);
    assert!(serde_json::from_str::<Welcome>(&text).is_ok());
    assert!(serde_json::from_str::<Farewell>("{}").is_err());
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
