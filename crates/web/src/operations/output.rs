//! Output of commands as plain text: bytes of others, that can be anything.

/// Readable text, without what would move a terminal's cursor or change its colours.
pub(super) fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => skip_sequence(&mut letters),
            '\n' | '\t' => plain.push(letter),
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    plain
}

/// Skips the rest of an escape sequence (ECMA-48): `[` up to a letter, `]` up to its end.
fn skip_sequence(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match letters.next() {
        Some('[') => {
            letters.find(|letter| ('@'..='~').contains(letter));
        }
        Some(']') => {
            letters.find(|letter| matches!(letter, '\u{7}' | '\\' | '\n'));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_left() {
        assert_eq!(plain(b"\x1b[1;31mred\x1b[0m\r\n\tdone\x07"), "red\n\tdone");
        assert_eq!(plain(b"\x1b]0;title\x07shell"), "shell");
        assert_eq!(plain(b"a\xffb\x1b["), "a\u{fffd}b");
    }
}
