//! The ed25519 key that makes this server this server.

use std::fs;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reoclo_domain::Entropy;
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use crate::data_dir::DataDir;
use crate::enrolled::Enrolled;

const FILE: &str = "identity.pk8";
/// The key of an enrolment that is not over.
const NEXT: &str = "identity.pk8.next";

/// What stands before the 32 bytes of the private key in PKCS#8 version 1 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file cannot be read or written.
    #[error("cannot read or write {FILE} in the data directory")]
    File(#[source] io::Error),
    /// The file holds no ed25519 key.
    #[error("{FILE} in the data directory is not an ed25519 key in PKCS#8")]
    Malformed,
}

/// Reads the key, or makes one and has it on disk before anybody hears of it: an enrolment that
/// is repeated after a crash must come with the same public key.
pub(crate) fn load_or_create(
    dir: &DataDir,
    entropy: &dyn Entropy,
) -> Result<Ed25519KeyPair, IdentityError> {
    load_or_create_file(dir, FILE, entropy)
}

/// The key for making this machine another server, which is not its key yet.
pub(crate) fn next(dir: &DataDir, entropy: &dyn Entropy) -> Result<Ed25519KeyPair, IdentityError> {
    load_or_create_file(dir, NEXT, entropy)
}

/// The key of an enrolled server. Where a crash came between [`Enrolled::save`] and
/// [`next_takes_its_place`], this does what was left to do.
pub(crate) fn of(
    dir: &DataDir,
    enrolled: &Enrolled,
    entropy: &dyn Entropy,
) -> Result<Ed25519KeyPair, IdentityError> {
    let is_it = |key: &Ed25519KeyPair| {
        let known = enrolled.public_key.as_ref();
        known.is_none_or(|known| *known == public_key(key))
    };
    let key = load_or_create(dir, entropy)?;
    if is_it(&key) || !dir.join(NEXT).exists() {
        return Ok(key);
    }
    let next = next(dir, entropy)?;
    if !is_it(&next) {
        return Ok(key);
    }
    next_takes_its_place(dir).map_err(IdentityError::File)?;
    Ok(next)
}

/// Makes the next key the machine's own.
pub(crate) fn next_takes_its_place(dir: &DataDir) -> io::Result<()> {
    fs::rename(dir.join(NEXT), dir.join(FILE))?;
    dir.sync()
}

/// Keeps a copy of the key, when there is one, under a name that is not read.
pub(crate) fn set_aside(dir: &DataDir, suffix: &str) -> io::Result<()> {
    match fs::read(dir.join(FILE)).map(Zeroizing::new) {
        Ok(encoded) => dir.replace(&format!("{FILE}.{suffix}"), &encoded),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn load_or_create_file(
    dir: &DataDir,
    file: &str,
    entropy: &dyn Entropy,
) -> Result<Ed25519KeyPair, IdentityError> {
    let encoded = match fs::read(dir.join(file)) {
        Ok(encoded) => Zeroizing::new(encoded),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(dir, file, entropy)?,
        Err(error) => return Err(IdentityError::File(error)),
    };
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&encoded).map_err(|_| IdentityError::Malformed)
}

/// The public half as enrolment sends it.
pub(crate) fn public_key(key: &Ed25519KeyPair) -> String {
    STANDARD.encode(key.public_key())
}

fn create(
    dir: &DataDir,
    file: &str,
    entropy: &dyn Entropy,
) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let mut seed = Zeroizing::new([0; 32]);
    entropy.fill(seed.as_mut());
    let mut encoded = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + seed.len()));
    encoded.extend_from_slice(&PKCS8_PREFIX);
    encoded.extend_from_slice(seed.as_ref());
    dir.replace(file, &encoded).map_err(IdentityError::File)?;
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(9);
        }
    }

    #[test]
    fn the_key_is_made_once() {
        let path = tempfile::tempdir().unwrap();
        let dir = DataDir::open(path.path()).unwrap();
        let made = public_key(&load_or_create(&dir, &Fixed).unwrap());
        let seed = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        assert_eq!(made, public_key(&seed));
        assert_eq!(made, public_key(&load_or_create(&dir, &Fixed).unwrap()));
    }

    struct Other;

    impl Entropy for Other {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(8);
        }
    }

    /// A crash after the server's file was written and before the key was put in its place.
    #[test]
    fn a_change_of_identity_that_was_cut_is_finished() {
        let path = tempfile::tempdir().unwrap();
        let dir = DataDir::open(path.path()).unwrap();
        let old = public_key(&load_or_create(&dir, &Fixed).unwrap());
        let new = public_key(&next(&dir, &Other).unwrap());
        let mut enrolled: Enrolled = serde_json::from_value(serde_json::json!({
            "url": "", "server_id": "", "organization_id": "", "control_plane_id": "",
            "public_key": old,
        }))
        .unwrap();
        let own = |enrolled: &Enrolled| public_key(&of(&dir, enrolled, &Fixed).unwrap());
        assert_eq!(own(&enrolled), old, "nothing was settled");
        enrolled.public_key = Some(new.clone());
        assert_eq!(own(&enrolled), new);
        assert!(!dir.join(NEXT).exists());
        assert_eq!(own(&enrolled), new);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_replaced() {
        let path = tempfile::tempdir().unwrap();
        let dir = DataDir::open(path.path()).unwrap();
        dir.replace(FILE, b"damaged").unwrap();
        let error = load_or_create(&dir, &Fixed).unwrap_err();
        assert!(matches!(error, IdentityError::Malformed));
        assert_eq!(fs::read(dir.join(FILE)).unwrap(), b"damaged");
    }
}
