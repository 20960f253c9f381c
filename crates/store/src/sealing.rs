//! Secret values at rest: AES-256-GCM, one data key for each value, wrapped by the master key.
//!
//! A sealed value is `1 | nonce | wrapped data key | ciphertext`. Both layers authenticate what
//! the value is for and which row it stands in, so a value copied to another row does not open.

mod columns;

use reoclo_domain::Entropy;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use zeroize::Zeroizing;

use crate::error::StoreError;
pub(crate) use columns::{Sealed, SealedColumn};

const VERSION: u8 = 1;
const KEY_LEN: usize = 32;
const TAG_LEN: usize = 16;
const WRAPPED_LEN: usize = KEY_LEN + TAG_LEN;

/// Seals and opens values.
pub(crate) struct Sealer(LessSafeKey);

/// What a value is for and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct AssociatedData<'a> {
    /// The column.
    pub(crate) purpose: &'static str,
    /// The row's id.
    pub(crate) id: &'a str,
}

impl Sealer {
    /// A sealer whose data keys are wrapped by `key`.
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Result<Self, Unspecified> {
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?)))
    }

    /// The value as it may be written down.
    pub(crate) fn seal(
        &self,
        place: AssociatedData<'_>,
        plain: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, StoreError> {
        let mut data_key = Zeroizing::new([0; KEY_LEN]);
        entropy.fill(data_key.as_mut());
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        self.encrypt(place, plain, &data_key, nonce)
            .map_err(|Unspecified| StoreError::corrupt("a value that cannot be sealed"))
    }

    fn encrypt(
        &self,
        place: AssociatedData<'_>,
        plain: &[u8],
        data_key: &[u8; KEY_LEN],
        nonce: [u8; NONCE_LEN],
    ) -> Result<Vec<u8>, Unspecified> {
        let mut wrapped = data_key.to_vec();
        let wrapping_nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(wrapping_nonce, place.aad(), &mut wrapped)?;
        let mut body = plain.to_vec();
        data(data_key)?.seal_in_place_append_tag(only_nonce(), place.aad(), &mut body)?;
        Ok([&[VERSION], &nonce[..], &wrapped, &body].concat())
    }

    /// The value itself, if it was sealed for this place.
    pub(crate) fn open(
        &self,
        place: AssociatedData<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.decrypt(place, sealed)
            .ok_or_else(|| StoreError::corrupt(format!("the sealed {}", place.purpose)))
    }

    fn decrypt(&self, place: AssociatedData<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let rest = sealed.strip_prefix(&[VERSION])?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        let (wrapped, body) = rest.split_at_checked(WRAPPED_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut wrapped = Zeroizing::new(wrapped.to_vec());
        let data_key = self
            .0
            .open_in_place(nonce, place.aad(), &mut wrapped)
            .ok()?;
        let data_key = data((&*data_key).try_into().ok()?).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let len = data_key
            .open_in_place(only_nonce(), place.aad(), &mut body)
            .ok()?
            .len();
        body.truncate(len);
        Some(body)
    }
}

impl AssociatedData<'_> {
    /// The parts cannot run into each other: a purpose has no blank.
    fn aad(self) -> Aad<Vec<u8>> {
        Aad::from(format!("{} {}", self.purpose, self.id).into_bytes())
    }
}

fn data(key: &[u8; KEY_LEN]) -> Result<LessSafeKey, Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?))
}

/// A data key encrypts one value only, so its nonce may be constant.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (value, byte) in (0..).zip(buffer) {
                *byte = value;
            }
        }
    }

    const HERE: AssociatedData<'static> = AssociatedData {
        purpose: "operation",
        id: "1",
    };

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let sealed = sealer.seal(HERE, b"secret", &Counting).unwrap();
        assert_eq!(&**sealer.open(HERE, &sealed).unwrap(), b"secret");
        for place in [
            AssociatedData { id: "2", ..HERE },
            AssociatedData {
                purpose: "other",
                ..HERE
            },
        ] {
            assert!(sealer.open(place, &sealed).is_err());
        }
        assert!(Sealer::new(&[8; 32]).unwrap().open(HERE, &sealed).is_err());
    }

    #[test]
    fn a_changed_or_cut_value_does_not_open() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let sealed = sealer.seal(HERE, b"secret", &Counting).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open(HERE, &changed).is_err(), "byte {at}");
            assert!(sealer.open(HERE, &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn nothing_can_be_sealed_too() {
        let sealer = Sealer::new(&[7; 32]).unwrap();
        let sealed = sealer.seal(HERE, b"", &Counting).unwrap();
        assert!(sealer.open(HERE, &sealed).unwrap().is_empty());
    }
}
