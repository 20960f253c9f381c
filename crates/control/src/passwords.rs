//! Passwords: what is accepted, how they are hashed, and how one is made for somebody else.

mod line;
mod strength;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use reoclo_domain::{Entropy, Secret};

pub(crate) use line::{Asker, PasswordHashing};
use strength::is_guessed_soon;

use crate::{InvalidFields, Refusal};

const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=200;
/// Letters and digits that are not mistaken for each other when they are read out.
const READABLE: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 16 of 32 letters: 80 bits.
const TEMPORARY_LEN: usize = 16;
/// Checked where there is no account, so that the answer takes as long.
const NOBODYS_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
     bm9ib2R5cy1zYWx0LTEyMw$RdescudvJCsgt3ub+b6dWRWJTmaiJObG5u+SfvqrTKE";

/// Notes what is wrong with a password that somebody chose; `about` is what others know of them,
/// such as their name and address.
pub(crate) fn check_password(
    invalid: &mut InvalidFields,
    field: &'static str,
    password: &Secret,
    about: &[&str],
) {
    if !PASSWORD_CHARS.contains(&password.expose().chars().count()) {
        invalid.add(field, "must have 12 to 200 characters");
    } else if is_guessed_soon(password, about) {
        invalid.add(
            field,
            "is too easy to guess: take four or more words that do not belong together, or let a \
             password manager make one",
        );
    }
}

/// A password that is shown once, to be changed at the first sign-in.
pub(crate) fn temporary_password(entropy: &dyn Entropy) -> Secret {
    let mut random = [0; TEMPORARY_LEN];
    entropy.fill(&mut random);
    let mut text = String::with_capacity(TEMPORARY_LEN + 3);
    for (position, byte) in random.into_iter().enumerate() {
        if position > 0 && position % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(READABLE[usize::from(byte % 32)]));
    }
    Secret::new(text)
}

impl PasswordHashing {
    /// Argon2id with the parameters of RFC 9106's second recommendation scaled to 19 MiB (OWASP).
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too many wait to have one hashed.
    pub(crate) async fn hash(
        &self,
        entropy: &dyn Entropy,
        password: Secret,
        asker: Asker,
    ) -> Result<Secret, Refusal> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        let hashed = self.run(asker, move || {
            Argon2::default()
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .map(|hash| Secret::new(hash.to_string()))
        });
        let hashed = hashed.await?;
        hashed.map_err(|error| Refusal::internal(std::io::Error::other(error.to_string())))
    }

    /// Whether `password` is the one that was hashed. Without a hash it is not, and finding that
    /// out takes as long.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when too many wait to have one hashed.
    pub(crate) async fn verify(
        &self,
        password: Secret,
        hash: Option<Secret>,
        asker: Asker,
    ) -> Result<bool, Refusal> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| Secret::new(NOBODYS_HASH));
        let matches = self.run(asker, move || {
            PasswordHash::new(hash.expose()).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.expose().as_bytes(), &hash)
                    .is_ok()
            })
        });
        Ok(matches.await? && exists)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for (position, byte) in buffer.iter_mut().enumerate() {
                *byte = u8::try_from(position * 37 % 256).unwrap();
            }
        }
    }

    #[test]
    fn a_temporary_password_is_long_enough_to_be_accepted() {
        let password = temporary_password(&Counting);
        let mut invalid = InvalidFields::default();
        check_password(&mut invalid, "password", &password, &[]);
        assert!(invalid.fields().is_empty());
        assert_eq!(password.expose().len(), 19);
    }

    #[test]
    fn what_is_checked_for_nobody_is_a_hash_like_any_other() {
        let hash = PasswordHash::new(NOBODYS_HASH).unwrap();
        assert_eq!(hash.algorithm.as_str(), "argon2id");
        assert!(Argon2::default().verify_password(b"x", &hash).is_err());
    }
}
