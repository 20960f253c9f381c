//! Names that people choose.

use std::fmt;
use std::str::FromStr;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left after trimming.
    #[error("must not be empty")]
    Empty,
    /// It is longer than 100 characters.
    #[error("must be at most 100 characters")]
    TooLong,
    /// It has a character that could disguise what it says.
    #[error("must not contain control or text-direction characters")]
    Invisible,
    /// It is no slug.
    #[error("must be 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit")]
    NotASlug,
}

/// A label or name: 1 to 100 characters, trimmed, without control or bidirectional characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

impl DisplayName {
    const MAX_CHARS: usize = 100;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            Err(NameError::Empty)
        } else if text.chars().count() > Self::MAX_CHARS {
            Err(NameError::TooLong)
        } else if text.chars().any(is_deceptive) {
            Err(NameError::Invisible)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters, and those that reorder or hide what stands beside them (Unicode TR 36).
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// A name for addresses: 1 to 63 of `a-z0-9-`, as a DNS label (RFC 1123).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    const MAX_LEN: usize = 63;

    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest slug to a free text; `server` when nothing of it is left.
    pub fn from_text(text: &str) -> Self {
        let mut slug = String::new();
        for character in text.chars() {
            if character.is_ascii_alphanumeric() {
                slug.push(character.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(Self::MAX_LEN - 8);
        let slug = slug.trim_end_matches('-');
        Self(if slug.is_empty() {
            "server".into()
        } else {
            slug.into()
        })
    }

    /// The slug with `-number` behind it, for when the plain one is taken.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        Self(format!("{}-{number}", self.0))
    }
}

impl FromStr for Slug {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let valid = (1..=Self::MAX_LEN).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::NotASlug)
        }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(
            "  Claude Code  ".parse::<DisplayName>().unwrap().as_str(),
            "Claude Code"
        );
        assert_eq!(" \t ".parse::<DisplayName>(), Err(NameError::Empty));
        assert!("ü".repeat(100).parse::<DisplayName>().is_ok());
        assert_eq!(
            "ü".repeat(101).parse::<DisplayName>(),
            Err(NameError::TooLong)
        );
    }

    #[test]
    fn a_name_that_hides_what_it_says_is_refused() {
        for deceptive in [
            "a\u{202e}b",
            "a\nb",
            "a\0b",
            "a\u{200b}b",
            "a\u{2066}b",
            "a\u{1b}[1mb",
        ] {
            assert_eq!(deceptive.parse::<DisplayName>(), Err(NameError::Invisible));
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_its_slug_is_one(text in ".*", number in 2_u32..9999) {
            let slug = Slug::from_text(&text);
            prop_assert_eq!(slug.as_str().parse::<Slug>(), Ok(slug.clone()));
            let numbered = slug.numbered(number);
            prop_assert_eq!(numbered.as_str().parse::<Slug>(), Ok(numbered.clone()));
        }
    }
}
