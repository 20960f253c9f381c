//! Names that people choose.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::masking::masked_shapes;

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
    #[error("must not contain control, text-direction or invisible characters")]
    Invisible,
    /// It has the shape of a key or of a password in a URL, and names are seen by many.
    #[error("must not contain a key, a token or a password: a name is seen by many")]
    Secret,
    /// It is no slug.
    #[error("must be 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit")]
    NotASlug,
}

/// A label or name: 1 to 100 characters, trimmed, in which everything shows: no control,
/// bidirectional or invisible characters, but for joiners where a script or an emoji needs them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DisplayName(String);

impl DisplayName {
    const MAX_CHARS: usize = 100;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that is stored: rules that came later do not bind it.
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// A name for what is called `before`: the same one may stay, whatever it is.
    pub fn instead_of(before: &str, text: &str) -> Result<Self, NameError> {
        if text.trim() == before.trim() {
            Ok(Self(before.to_owned()))
        } else {
            text.parse()
        }
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
        } else if hides_something(text) {
            Err(NameError::Invisible)
        } else if masked_shapes(text) != text {
            Err(NameError::Secret)
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

/// Control characters, those that reorder or hide what stands beside them (Unicode TR 36), and
/// those that show as nothing (`Default_Ignorable_Code_Point`, and blanks that are letters).
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is one that joins or parts what stands beside it, or says how it looks, in
/// a place where that shows: behind letters of scripts that are joined, and behind emoji.
pub fn joins(before: Option<char>, character: char) -> bool {
    let Some(before) = before else { return false };
    match character {
        '\u{200c}' | '\u{200d}' => is_joined(before),
        '\u{fe00}'..='\u{fe0f}' => {
            is_joined(before) || matches!(before, '0'..='9' | '#' | '*' | '\u{a9}' | '\u{ae}')
        }
        _ => false,
    }
}

/// Letters of Arabic, Indic and kindred scripts, and emoji.
fn is_joined(character: char) -> bool {
    matches!(character,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{2190}'..='\u{27ff}' | '\u{2900}'..='\u{2bff}' | '\u{a840}'..='\u{a8ff}'
        | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}' | '\u{11000}'..='\u{11fff}'
        | '\u{1f000}'..='\u{1faff}')
}

/// Whether a text of one line has anything that does not show. A joiner at its end joins nothing.
pub fn hides_something(text: &str) -> bool {
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if !is_deceptive(letter) {
            before = Some(letter);
            continue;
        }
        let joins_two = matches!(letter, '\u{fe00}'..='\u{fe0f}')
            || letters.peek().copied().is_some_and(is_joined);
        if !joins(before, letter) || !joins_two {
            return true;
        }
    }
    false
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
        // A letter with a mark is its letter and then the mark, which is left out: `ü` is `u`.
        let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter));
        for character in letters {
            if character.is_ascii_alphanumeric() {
                slug.push(character.to_ascii_lowercase());
            } else if let Some(letters) = in_ascii(character) {
                slug.push_str(letters);
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

/// Letters of Latin scripts that do not come apart, as their languages write them without.
const fn in_ascii(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ı' => "i",
        _ => return None,
    })
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
            "a\u{3164}",
            "\u{3164}",
            "a\u{ad}b",
            "a\u{e0041}",
            "a\u{2060}b",
            "a\u{feff}",
            "a\u{200d}b",
            "a\u{200c}b",
            "аdmin\u{200d}x",
            "\u{200d}a",
            "می\u{200c}",
            "می\u{200c}\u{200c}خواهم",
            "❤\u{fe0f}\u{200d}",
            "a\u{fe0f}",
            "\u{2800}\u{2800}",
            "\u{115f}\u{1160}",
        ] {
            assert_eq!(
                deceptive.parse::<DisplayName>(),
                Err(NameError::Invisible),
                "{deceptive:?}"
            );
        }
    }

    #[test]
    fn joiners_are_allowed_where_a_script_or_an_emoji_needs_them() {
        for name in [
            "می\u{200c}خواهم",
            "ශ්\u{200d}රී ලංකා",
            "क्\u{200d}ष",
            "❤\u{fe0f}\u{200d}🔥 deploy",
            "👩\u{200d}💻",
            "👩🏽\u{200d}🚀",
            "1\u{fe0f}\u{20e3} first",
            "☎\u{fe0f}",
            "Zoë — 東京",
        ] {
            assert_eq!(name.parse::<DisplayName>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_that_is_there_may_stay_and_a_new_one_must_be_right() {
        let old = "old\u{3164}";
        assert_eq!(DisplayName::instead_of(old, old).unwrap().as_str(), old);
        assert!(DisplayName::instead_of(old, "new\u{3164}").is_err());
        assert!(DisplayName::instead_of(old, "new").is_ok());
    }

    #[test]
    fn a_name_is_no_place_for_a_key() {
        let key = format!("ci rca_{}", "a".repeat(49));
        for secret in [key.as_str(), "https://ci:hunter2@host"] {
            assert_eq!(secret.parse::<DisplayName>(), Err(NameError::Secret));
        }
        assert!("https://host/x".parse::<DisplayName>().is_ok());
    }

    #[test]
    fn letters_with_marks_stay_letters_in_a_slug() {
        for (text, slug) in [
            ("Web 2 ünï", "web-2-uni"),
            ("Größe Łódź", "grosse-lodz"),
            ("Smørrebrød æ", "smorrebrod-ae"),
            ("ﬁle ①", "file-1"),
            ("東京 web", "web"),
            ("東京", "server"),
            ("a — b", "a-b"),
        ] {
            assert_eq!(Slug::from_text(text).as_str(), slug, "{text}");
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
