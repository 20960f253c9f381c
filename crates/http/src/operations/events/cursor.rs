//! Where a reader is in each stream, in whole characters.

/// How far a client has got in both streams; an event's id says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) stdout: u64,
    pub(super) stderr: u64,
}

impl Position {
    pub(super) fn parse(id: &str) -> Option<Self> {
        let (stdout, stderr) = id.split_once('-')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| digits)
        };
        Some(Self {
            stdout: number(stdout)?,
            stderr: number(stderr)?,
        })
    }

    pub(super) fn id(self) -> String {
        format!("{}-{}", self.stdout, self.stderr)
    }
}

/// Makes text of the bytes of one stream, however they are cut.
#[derive(Debug)]
pub(super) struct Cursor {
    next: u64,
    /// The beginning of a character whose end has not come.
    partial: Vec<u8>,
}

impl Cursor {
    pub(super) const fn at(position: u64) -> Self {
        Self {
            next: position,
            partial: Vec::new(),
        }
    }

    /// Where to read on.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Up to where text was made: a client that comes back begins there.
    pub(super) const fn sent(&self) -> u64 {
        self.next - self.partial.len() as u64
    }

    /// Takes the next bytes; the text that they complete, and where it begins. Bytes that are no
    /// UTF-8 are replaced.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (u64, String) {
        let from = self.sent();
        self.next += bytes.len() as u64;
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        self.partial = all.split_off(complete(&all));
        (from, String::from_utf8_lossy(&all).into_owned())
    }

    /// What is left without its end.
    pub(super) fn flush(&mut self) -> (u64, String) {
        let from = self.sent();
        let partial = std::mem::take(&mut self.partial);
        (from, String::from_utf8_lossy(&partial).into_owned())
    }

    /// What is between was dropped.
    pub(super) fn jump(&mut self, position: u64) {
        self.partial.clear();
        self.next = position;
    }
}

/// The length without a character at the end that further bytes could complete.
fn complete(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        if bytes[at] & 0b1100_0000 == 0b1000_0000 {
            continue;
        }
        let rest = std::str::from_utf8(&bytes[at..]);
        return match rest {
            Err(error) if error.error_len().is_none() => at,
            _ => bytes.len(),
        };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_says_where_both_streams_are_and_nothing_else_is_one() {
        let position = Position {
            stdout: 12,
            stderr: 0,
        };
        assert_eq!(position.id(), "12-0");
        assert_eq!(Position::parse("12-0"), Some(position));
        for id in [
            "",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "+1-2",
            "a-b",
            "1 -2",
            "99999999999999999999-0",
        ] {
            assert_eq!(Position::parse(id), None, "{id}");
        }
    }

    #[test]
    fn a_client_comes_back_to_the_beginning_of_a_character() {
        let mut cursor = Cursor::at(10);
        assert_eq!(cursor.take(&"a€".as_bytes()[..2]), (10, "a".to_owned()));
        assert_eq!((cursor.sent(), cursor.next()), (11, 12));
        assert_eq!(cursor.take(&"€".as_bytes()[1..]), (11, "€".to_owned()));
        assert_eq!(cursor.take(b"\xf0\x9f"), (14, String::new()));
        assert_eq!(cursor.flush(), (14, "\u{fffd}".to_owned()));
        assert_eq!(cursor.sent(), 16);
    }

    proptest! {
        #[test]
        fn however_bytes_are_cut_the_text_is_the_same(bytes: Vec<u8>, cuts: Vec<u8>) {
            let mut cursor = Cursor::at(0);
            let (mut text, mut rest) = (String::new(), bytes.as_slice());
            for cut in cuts {
                let (part, after) = rest.split_at(usize::from(cut % 7).min(rest.len()));
                text += &cursor.take(part).1;
                rest = after;
            }
            text += &cursor.take(rest).1;
            text += &cursor.flush().1;
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
            prop_assert_eq!(cursor.sent(), bytes.len() as u64);
        }
    }
}
