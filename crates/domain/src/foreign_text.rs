//! Texts of those who are not trusted, made fit to be stored and shown.

use std::fmt::Write;

use crate::is_deceptive;

/// A foreign text as one line of at most `most` characters: characters that control a terminal,
/// end a line, reorder what stands beside them or cannot be seen are written as `\u{…}`, and what
/// is too long ends with `…`. Doing it twice changes nothing.
///
/// The work is bounded by `most` and not by the text.
pub fn escaped(text: &str, most: usize) -> String {
    let mut safe = String::new();
    let mut length = 0;
    for character in text.trim().chars() {
        if length >= most {
            safe.push('…');
            return cut(safe, most);
        }
        if is_invisible(character) {
            // Writing to a text cannot fail.
            let _ = write!(safe, "{}", character.escape_unicode());
            length += character.escape_unicode().len();
        } else {
            safe.push(character);
            length += 1;
        }
    }
    cut(safe, most)
}

/// Cuts the text to its first characters, the last of which then says so.
fn cut(text: String, most: usize) -> String {
    if text.chars().count() <= most {
        return text;
    }
    let kept = text.chars().take(most.saturating_sub(1));
    kept.chain(std::iter::once('…')).collect()
}

/// What cannot be seen, or changes what is seen beside it: control and format characters, and
/// letters that are blank (Unicode's `Default_Ignorable_Code_Point`).
fn is_invisible(character: char) -> bool {
    is_deceptive(character)
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_plain_stays_as_it_is() {
        assert_eq!(
            escaped(" the working directory /srv/é does not exist\n", 4096),
            "the working directory /srv/é does not exist"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        let hostile = "a\0b\u{1b}[31mc\u{202e}d\u{200b}e\r\nf\u{85}\u{ad}\u{3164}\u{e0041}";
        assert_eq!(
            escaped(hostile, 4096),
            "a\\u{0}b\\u{1b}[31mc\\u{202e}d\\u{200b}e\\u{d}\\u{a}f\\u{85}\\u{ad}\\u{3164}\\u{e0041}"
        );
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(escaped("abcdef", 6), "abcdef");
        assert_eq!(escaped("abcdef", 5), "abcd…");
        assert_eq!(escaped(&"\0".repeat(100), 7), "\\u{0}\\…");
        assert_eq!(escaped(&"x".repeat(2 << 20), 4096).chars().count(), 4096);
    }

    proptest! {
        #[test]
        fn whatever_comes_in_is_bounded_and_visible(text: String, most in 1_usize..100) {
            let safe = escaped(&text, most);
            prop_assert!(safe.chars().count() <= most);
            prop_assert!(!safe.chars().any(is_invisible), "{safe:?}");
            prop_assert_eq!(escaped(&safe, most), safe);
        }
    }
}
