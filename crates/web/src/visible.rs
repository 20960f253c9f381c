//! Text of others, of which everything shows.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};
use reoclo_domain::{is_deceptive, joins};

/// What templates write everything with that is not theirs: as text, in which everything shows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct VisibleHtml;

impl Escaper for VisibleHtml {
    fn write_escaped_str<W: Write>(&self, dest: W, text: &str) -> fmt::Result {
        if text.is_ascii() {
            Html.write_escaped_str(dest, text)
        } else {
            Html.write_escaped_str(dest, &visible(text))
        }
    }
}

/// Names the letters that turn the direction of text, end lines elsewhere or show as nothing, so
/// that what a person reads is what there is. Control characters have no place on a page.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            joiner if joins(before, joiner) => shown.push(joiner),
            control if control.is_control() => {}
            hidden if is_deceptive(hidden) => {
                shown.push_str(&format!("<U+{:04X}>", u32::from(hidden)));
                before = None;
            }
            letter => {
                shown.push(letter);
                before = Some(letter);
            }
        }
    }
    shown
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
        assert_eq!(
            visible("a\u{200b}\u{3164}\u{ad}\u{e0041}\u{200d}b 👩\u{200d}💻"),
            "a<U+200B><U+3164><U+00AD><U+E0041><U+200D>b 👩\u{200d}💻"
        );
    }
}
