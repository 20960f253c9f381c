//! What names of parameters say, remembered.

use super::bits::{mixed, place};
use super::names::names_a_secret_parameter;

/// So many names are remembered, each at one of two places.
const KNOWN_NAMES: usize = 128;

/// What is known of names: the same ones come again and again.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<KnownName>);

#[derive(Clone, Debug, Default)]
struct KnownName {
    name: Vec<u8>,
    is_secret: bool,
}

impl Names {
    pub(super) fn is_secret(&mut self, name: &[u8]) -> bool {
        if name.is_empty() {
            return false;
        }
        if self.0.is_empty() {
            self.0.resize(KNOWN_NAMES, KnownName::default());
        }
        let first = Self::first_place(name);
        let second = first + 1;
        for at in [first, second] {
            if self.0[at].name == name {
                return self.0[at].is_secret;
            }
        }
        // The other name stays for one more, so that two at the same places do not fight.
        self.0.swap(first, second);
        let is_secret = std::str::from_utf8(name).is_ok_and(names_a_secret_parameter);
        let known = &mut self.0[first];
        known.name.clear();
        known.name.extend_from_slice(name);
        known.is_secret = is_secret;
        is_secret
    }

    fn first_place(name: &[u8]) -> usize {
        let loaded = |eight: &[u8]| {
            let bytes = eight.iter().rev();
            bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        let number = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(first), Some(last)) => {
                mixed(u64::from_le_bytes(*first)).rotate_left(5) ^ u64::from_le_bytes(*last)
            }
            _ => loaded(name),
        };
        place(mixed(number ^ name.len() as u64) >> 50) * 2 % KNOWN_NAMES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_share_their_places_are_told_apart() {
        let mut names = Names::default();
        for round in 0..3 {
            for number in 0..500 {
                let (secret, plain) = (format!("token{number}"), format!("page{number}"));
                let of = |name: &str| names_a_secret_parameter(name);
                assert_eq!(names.is_secret(secret.as_bytes()), of(&secret), "{round}");
                assert_eq!(names.is_secret(plain.as_bytes()), of(&plain), "{round}");
            }
        }
        assert!(names.is_secret(b"token") && !names.is_secret(b"page") && !names.is_secret(b""));
    }
}
