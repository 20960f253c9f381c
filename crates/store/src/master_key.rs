//! The master key: where it is kept, and the keys derived from it.

mod error;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use reoclo_domain::{Entropy, Secret, hex};
use ring::error::Unspecified;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::sealing::Sealer;
pub use error::MasterKeyError;

/// The key behind every sealed value, every chain head and every checkpoint.
///
/// Holds only keys derived from it (HKDF-SHA256, RFC 5869), one for each use.
pub struct MasterKey {
    sealer: Sealer,
    heads: hmac::Key,
    check: hmac::Key,
    checkpoints: Ed25519KeyPair,
}

type KeyBytes = Zeroizing<[u8; 32]>;

impl MasterKey {
    /// The key from the environment if it is there, else from the file, which is made (32 random
    /// bytes in hexadecimal, mode 0600, synced with its directory) when it is not there.
    pub fn load_or_create(
        file: &Path,
        from_environment: Option<&Secret>,
        entropy: &dyn Entropy,
    ) -> Result<Self, MasterKeyError> {
        let (key, kept) = Self::load_or_prepare(file, from_environment, entropy)?;
        kept.keep()?;
        Ok(key)
    }

    /// The same, but a key that is made waits beside its place until it is kept: a start that
    /// fails leaves no key, and one that is killed leaves the one that its database may have.
    pub fn load_or_prepare(
        file: &Path,
        from_environment: Option<&Secret>,
        entropy: &dyn Entropy,
    ) -> Result<(Self, KeyFile), MasterKeyError> {
        match Self::load(file, from_environment) {
            Err(MasterKeyError::Absent(_)) => {}
            loaded => return Ok((loaded?, KeyFile::kept())),
        }
        let mut waiting = file.as_os_str().to_owned();
        waiting.push(".new");
        let waiting = PathBuf::from(waiting);
        let is_new = !waiting.exists();
        if is_new {
            create(&waiting, entropy).map_err(|source| failed(&waiting, source))?;
        }
        let key = Self::load(&waiting, None)?;
        let place = Some((waiting, file.to_owned()));
        Ok((key, KeyFile { place, is_new }))
    }

    /// The key from the environment if it is there, else from the file; never makes one.
    pub fn load(file: &Path, from_environment: Option<&Secret>) -> Result<Self, MasterKeyError> {
        let key = match from_environment {
            Some(text) => parse(text.expose()).ok_or(MasterKeyError::Environment)?,
            None => read(file)?,
        };
        Self::derive(&key).map_err(|Unspecified| MasterKeyError::Unusable)
    }

    fn derive(key: &[u8; 32]) -> Result<Self, Unspecified> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"reoclo master key 1");
        let root = salt.extract(key);
        let hmac_key =
            |purpose| expand(&root, purpose).map(|key| hmac::Key::new(hmac::HMAC_SHA256, &*key));
        let seed = expand(&root, b"checkpoints")?;
        Ok(Self {
            sealer: Sealer::new(&*expand(&root, b"sealing")?)?,
            heads: hmac_key(b"chain heads")?,
            check: hmac_key(b"check")?,
            checkpoints: Ed25519KeyPair::from_seed_unchecked(seed.as_ref())
                .map_err(|_| Unspecified)?,
        })
    }

    /// Seals and opens secret values.
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// Authenticates the head of an audit chain.
    pub(crate) fn authenticate(&self, head: &[u8]) -> Vec<u8> {
        hmac::sign(&self.heads, head).as_ref().to_vec()
    }

    /// Whether the head of an audit chain is as it was written.
    pub(crate) fn is_authentic(&self, head: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.heads, head, mac).is_ok()
    }

    /// What is stored to recognise the key by; tells nothing about it.
    pub(crate) fn check_value(&self, instance: &[u8]) -> Vec<u8> {
        hmac::sign(&self.check, instance).as_ref().to_vec()
    }

    /// Signs a checkpoint.
    pub(crate) fn sign(&self, checkpoint: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.checkpoints.sign(checkpoint).as_ref());
        signature
    }

    /// The key that verifies checkpoints.
    pub(crate) fn public_key(&self) -> [u8; 32] {
        let mut public_key = [0; 32];
        public_key.copy_from_slice(self.checkpoints.public_key().as_ref());
        public_key
    }
}

/// Whether the owner of `public_key` signed the checkpoint.
pub(crate) fn has_signed(public_key: &[u8; 32], checkpoint: &[u8], signature: &[u8]) -> bool {
    let public_key = UnparsedPublicKey::new(&ED25519, public_key);
    public_key.verify(checkpoint, signature).is_ok()
}

/// The file of a key that may not have its place yet.
#[derive(Debug)]
#[must_use = "a new key is lost unless it is kept"]
pub struct KeyFile {
    /// Where it waits, and its place.
    place: Option<(PathBuf, PathBuf)>,
    /// This start made it.
    is_new: bool,
}

impl KeyFile {
    fn kept() -> Self {
        Self {
            place: None,
            is_new: false,
        }
    }

    /// Puts the key into its place, now that there is a database for it.
    pub fn keep(self) -> Result<(), MasterKeyError> {
        let Some((waiting, file)) = self.place else {
            return Ok(());
        };
        let put = || {
            fs::rename(&waiting, &file)?;
            File::open(directory_of(&file))?.sync_all()
        };
        put().map_err(|source| failed(&file, source))
    }

    /// Removes a key that this start has made, and that no database has.
    pub fn discard(self) {
        if let Some((waiting, _)) = self.place.filter(|_| self.is_new) {
            // A later start takes the key that stayed.
            let _ = fs::remove_file(waiting);
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn expand(root: &hkdf::Prk, purpose: &[u8]) -> Result<KeyBytes, Unspecified> {
    let mut key = Zeroizing::new([0; 32]);
    root.expand(&[purpose], hkdf::HKDF_SHA256)?
        .fill(key.as_mut())?;
    Ok(key)
}

/// 64 hexadecimal digits, or 32 bytes in any of the common base64 alphabets.
fn parse(text: &str) -> Option<KeyBytes> {
    let text = text.trim();
    if let Some(key) = hex::decode(text) {
        return Some(Zeroizing::new(key));
    }
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|alphabet| alphabet.decode(text).ok())
        .map(Zeroizing::new)
        .and_then(|bytes| bytes.as_slice().try_into().ok().map(Zeroizing::new))
}

fn read(path: &Path) -> Result<KeyBytes, MasterKeyError> {
    let metadata = fs::metadata(path).map_err(|source| failed(path, source))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(MasterKeyError::Exposed(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|source| failed(path, source))?;
    let key = hex::decode(Zeroizing::new(text).trim());
    key.map(Zeroizing::new)
        .ok_or_else(|| MasterKeyError::Damaged(path.to_owned()))
}

fn failed(path: &Path, source: io::Error) -> MasterKeyError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound => MasterKeyError::Absent(path),
        ErrorKind::InvalidData => MasterKeyError::Damaged(path),
        _ => MasterKeyError::File { path, source },
    }
}

/// Makes the file whole or not at all: it is written beside, synced, and linked into its place,
/// which fails when a file is there already.
fn create(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut key = Zeroizing::new([0; 32]);
    entropy.fill(key.as_mut());
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    write_new(
        Path::new(&beside),
        &Zeroizing::new(hex::encode(key.as_ref())),
    )?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(directory)?.sync_all(),
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_hexadecimal_and_base64() {
        let key = [0xfb; 32];
        for text in [
            hex::encode(&key),
            STANDARD.encode(key),
            URL_SAFE_NO_PAD.encode(key),
        ] {
            assert_eq!(
                parse(&format!(" {text}\n")).map(|key| *key),
                Some(key),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_no_key() {
        let short = STANDARD.encode([0; 31]);
        for text in ["", "secret", &"0".repeat(63), &"g".repeat(64), &short] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
