//! The text of an API key and of the other bearer tokens (rules 1 and 2).
//!
//! A token is a prefix, 43 base62 characters for 256 random bits, and 6 base62 characters of the
//! CRC-32 of everything before, so that a typing error or a cut paste is refused without a look
//! into the database, and secret scanners recognise a leaked one.

use std::fmt;

use ring::digest;

use crate::{Entropy, Secret};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY_LEN: usize = 43;
const CHECKSUM_LEN: usize = 6;
/// Characters of a token behind its prefix.
pub(crate) const TOKEN_TAIL_LEN: usize = BODY_LEN + CHECKSUM_LEN;

/// Random bytes in a token.
pub const TOKEN_RANDOM_BYTES: usize = 32;
/// Characters of a token that are kept to recognise it by.
pub const DISPLAY_PREFIX_LEN: usize = 12;

/// What a token is for; decides its prefix, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// An integration key.
    Integration,
    /// An automation key.
    Automation,
    /// A runner's one-time enrolment.
    Enrolment,
    /// The first admin's one-time set-up link.
    Setup,
    /// A person's session, in a cookie.
    Session,
    /// The one-time link of an invitation.
    Invitation,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Integration,
        Self::Automation,
        Self::Enrolment,
        Self::Setup,
        Self::Session,
        Self::Invitation,
    ];

    /// What every token of the kind begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Integration => "rk_t_",
            Self::Automation => "rca_",
            Self::Enrolment => "ren_",
            Self::Setup => "rsu_",
            Self::Session => "rse_",
            Self::Invitation => "rin_",
        }
    }
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No kind of token begins like this.
    #[error("the token has an unknown prefix")]
    Prefix,
    /// The length or a character is wrong.
    #[error("the token is malformed")]
    Shape,
    /// A character was changed or lost.
    #[error("the token's checksum is wrong")]
    Checksum,
}

/// A token in clear: shown once, in the answer that creates it.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainToken {
    kind: TokenKind,
    text: Secret,
}

impl PlainToken {
    /// Makes a new token from 256 random bits.
    pub fn generate(kind: TokenKind, entropy: &dyn Entropy) -> Self {
        let mut random = [0; TOKEN_RANDOM_BYTES];
        entropy.fill(&mut random);
        let mut text = String::with_capacity(kind.prefix().len() + BODY_LEN + CHECKSUM_LEN);
        text.push_str(kind.prefix());
        push_base62(&mut text, random, BODY_LEN);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self {
            kind,
            text: Secret::new(text),
        }
    }

    /// Reads a token, refusing what is malformed or mistyped.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let kind = TokenKind::ALL
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))
            .ok_or(TokenError::Prefix)?;
        let rest = &text.as_bytes()[kind.prefix().len()..];
        if rest.len() != BODY_LEN + CHECKSUM_LEN || !rest.iter().all(u8::is_ascii_alphanumeric) {
            return Err(TokenError::Shape);
        }
        let (signed, stated) = text.split_at(text.len() - CHECKSUM_LEN);
        if checksum(signed) != stated {
            return Err(TokenError::Checksum);
        }
        Ok(Self {
            kind,
            text: Secret::new(text),
        })
    }

    /// What the token is for.
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The token itself.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// The first 12 characters, to recognise the token by.
    pub fn display_prefix(&self) -> &str {
        &self.text.expose()[..DISPLAY_PREFIX_LEN]
    }

    /// What a page shows to prove that it was given the session with this token: it cannot be
    /// guessed without the token, and does not tell it.
    pub fn csrf_token(&self) -> Secret {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"reoclo csrf v1\n");
        context.update(self.text.expose().as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        let mut text = String::with_capacity(BODY_LEN);
        push_base62(&mut text, bytes, BODY_LEN);
        Secret::new(text)
    }

    /// What is stored instead of the token.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.text.expose())
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}***", self.kind.prefix())
    }
}

/// The SHA-256 of a token: enough to recognise it, useless to present it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The SHA-256 of any text.
    pub fn of(text: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }

    /// The hash as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// Where tokens of any kind stand in `text`, as byte ranges, in order.
///
/// Goes by shape alone and not by checksum: a token with a typing error in it is still a secret.
pub fn find_tokens(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match token_at(&text[at..]) {
            Some(len) => {
                found.push(at..at + len);
                at += len;
            }
            None => at += 1,
        }
    }
    found
}

fn token_at(text: &[u8]) -> Option<usize> {
    let prefix = TokenKind::ALL
        .into_iter()
        .map(TokenKind::prefix)
        .find(|prefix| text.starts_with(prefix.as_bytes()))?;
    let body = text.get(prefix.len()..prefix.len() + BODY_LEN + CHECKSUM_LEN)?;
    body.iter()
        .all(u8::is_ascii_alphanumeric)
        .then_some(prefix.len() + body.len())
}

fn checksum(signed: &str) -> String {
    let mut text = String::with_capacity(CHECKSUM_LEN);
    let crc = crc32fast::hash(signed.as_bytes()).to_be_bytes();
    push_base62(&mut text, crc, CHECKSUM_LEN);
    text
}

/// Appends `number` (big-endian) in base 62, padded with zeros to `len` characters.
fn push_base62<const N: usize>(text: &mut String, mut number: [u8; N], len: usize) {
    let mut digits = Vec::with_capacity(len);
    for _ in 0..len {
        let mut remainder = 0_u16;
        for byte in &mut number {
            let value = remainder << 8 | u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        digits.push(char::from(ALPHABET[usize::from(remainder)]));
    }
    text.extend(digits.iter().rev());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    struct Given([u8; TOKEN_RANDOM_BYTES]);

    impl Entropy for Given {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.copy_from_slice(&self.0);
        }
    }

    #[test]
    fn every_kind_has_its_prefix_and_49_characters_behind_it() {
        for kind in TokenKind::ALL {
            for fill in [0, 1, 127, 255] {
                let token = PlainToken::generate(kind, &Fixed(fill));
                let rest = token.expose().strip_prefix(kind.prefix()).unwrap();
                assert_eq!(rest.len(), 49);
                assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                assert_eq!(PlainToken::parse(token.expose()).unwrap().kind(), kind);
                assert_eq!(token.display_prefix().len(), DISPLAY_PREFIX_LEN);
            }
        }
    }

    #[test]
    fn the_largest_number_fits_without_loss() {
        // 2^256 - 1 in base 62 has 43 digits, the first of which is not zero.
        let token = PlainToken::generate(TokenKind::Automation, &Fixed(255));
        assert!(!token.expose().starts_with("rca_0"));
        let mut back = [0_u8; TOKEN_RANDOM_BYTES];
        for digit in token.expose()["rca_".len()..][..BODY_LEN].bytes() {
            let value = ALPHABET.iter().position(|letter| *letter == digit).unwrap();
            let mut carry = u16::try_from(value).unwrap();
            for byte in back.iter_mut().rev() {
                let sum = u16::from(*byte) * 62 + carry;
                *byte = sum.to_le_bytes()[0];
                carry = sum >> 8;
            }
            assert_eq!(carry, 0);
        }
        assert_eq!(back, [255; TOKEN_RANDOM_BYTES]);
    }

    #[test]
    fn debug_does_not_show_it() {
        let token = PlainToken::generate(TokenKind::Integration, &Fixed(7));
        assert_eq!(format!("{token:?}"), "rk_t_***");
    }

    #[test]
    fn foreign_prefixes_and_shapes_are_told_apart() {
        assert_eq!(PlainToken::parse(""), Err(TokenError::Prefix));
        assert_eq!(PlainToken::parse("ghp_abc"), Err(TokenError::Prefix));
        assert_eq!(PlainToken::parse("rca_short"), Err(TokenError::Shape));
        assert_eq!(
            PlainToken::parse(&format!("rca_{}", "é".repeat(49))),
            Err(TokenError::Shape)
        );
        assert_eq!(
            PlainToken::parse(&format!("rca_{}", "a".repeat(49))),
            Err(TokenError::Checksum)
        );
    }

    #[test]
    fn tokens_are_found_where_they_stand() {
        let token = PlainToken::generate(TokenKind::Automation, &Fixed(9));
        let text = format!("a {0}{0} rca_x", token.expose());
        let len = token.expose().len();
        assert_eq!(
            find_tokens(text.as_bytes()),
            [2..2 + len, 2 + len..2 + 2 * len]
        );
    }

    proptest! {
        #[test]
        fn a_token_with_one_character_changed_is_refused(
            random: [u8; TOKEN_RANDOM_BYTES], at in 0_usize..54, to in any::<char>(),
        ) {
            for kind in TokenKind::ALL {
                let token = PlainToken::generate(kind, &Given(random));
                let mut letters: Vec<char> = token.expose().chars().collect();
                let at = at % letters.len();
                prop_assume!(letters[at] != to);
                letters[at] = to;
                let mutated: String = letters.into_iter().collect();
                prop_assert!(PlainToken::parse(&mutated).is_err());
            }
        }

        #[test]
        fn a_token_with_one_character_changed_to_one_of_a_token_is_refused(
            random: [u8; TOKEN_RANDOM_BYTES], at in 0_usize..54, to in 0_usize..62,
        ) {
            for kind in TokenKind::ALL {
                let token = PlainToken::generate(kind, &Given(random));
                let mut letters = token.expose().as_bytes().to_vec();
                let at = at % letters.len();
                prop_assume!(letters[at] != ALPHABET[to]);
                letters[at] = ALPHABET[to];
                let mutated = String::from_utf8(letters).unwrap();
                prop_assert!(PlainToken::parse(&mutated).is_err());
            }
        }

        #[test]
        fn a_token_with_a_character_more_or_less_is_refused(
            random: [u8; TOKEN_RANDOM_BYTES], at in 0_usize..54, more in 0_usize..62,
        ) {
            for kind in TokenKind::ALL {
                let token = PlainToken::generate(kind, &Given(random));
                let at = at % token.expose().len();
                let mut longer = token.expose().to_owned();
                longer.insert(at, char::from(ALPHABET[more]));
                prop_assert!(PlainToken::parse(&longer).is_err());
                let mut shorter = token.expose().to_owned();
                shorter.remove(at);
                prop_assert!(PlainToken::parse(&shorter).is_err());
            }
        }

        #[test]
        fn any_text_parses_or_is_refused_without_a_panic(text in ".*") {
            let _ = PlainToken::parse(&text);
            let _ = find_tokens(text.as_bytes());
        }
    }
}
