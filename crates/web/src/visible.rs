//! Text of others, of which everything shows.

/// Names the letters that turn the direction of text or end lines elsewhere, so that what a
/// person reads is what there is. Other control characters have no place on a page.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_deceptive(letter) {
            shown.push_str(&format!("<U+{:04X}>", u32::from(letter)));
        } else if matches!(letter, '\n' | '\t') || !letter.is_control() {
            shown.push(letter);
        }
    }
    shown
}

/// The bidirectional controls (UAX 9) and Unicode's own ends of lines.
const fn is_deceptive(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_text_around_is_named() {
        assert_eq!(
            visible("rm \u{202e}txt.exe\u{2069}"),
            "rm <U+202E>txt.exe<U+2069>"
        );
        assert_eq!(visible("a\tb\nc\u{7}\u{85}é"), "a\tb\ncé");
    }
}
