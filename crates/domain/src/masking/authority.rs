//! The part of a URL that names a user, read a byte at a time.

use std::ops::Range;

use super::escape::{Character, Colour, Escape, ends_word, plain_run};

/// User names of web addresses that are this long are tokens: `https://TOKEN:x@host`.
const SHORTEST_TOKEN: u64 = 20;
/// A password with blanks in it ends so many bytes behind the first, if it is one.
const LONGEST_BEHIND_BLANK: u64 = 64;

/// What stands before the slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// That of the web, where a user without a password is a token.
    Web,
    Other,
    /// None: `//user:password@host/`.
    None,
}

/// What stands behind `scheme://`, as far as it was read. Positions are those of the stream.
#[derive(Clone, Debug)]
pub(super) struct Authority {
    pub(super) start: u64,
    /// The position of the next byte.
    pub(super) next: u64,
    scheme: Scheme,
    /// Written as `https%3A%2F%2Fuser%3Apassword%40host`.
    encoded: bool,
    escape: Escape,
    colour: Colour,
    /// The first colon.
    colon: Option<Range<u64>>,
    /// The last `@`.
    at: Option<Range<u64>>,
    /// Everything behind the colon could be a port.
    port: bool,
    /// What stands behind the colon is a name of something, as in `http://host:$PORT/`.
    named: bool,
    /// The first blank in what may be a password.
    blank: Option<u64>,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    End,
}

impl Authority {
    pub(super) fn new(start: u64, scheme: Scheme, encoded: bool) -> Self {
        Self {
            start,
            next: start,
            scheme,
            encoded,
            escape: Escape::default(),
            colour: Colour::default(),
            colon: None,
            at: None,
            port: true,
            named: false,
            blank: None,
        }
    }

    /// Reads what comes next, up to where it ends.
    pub(super) fn read_on(&mut self, text: &[u8]) -> Step {
        let mut rest = text;
        while let Some((byte, behind)) = rest.split_first() {
            let run = if self.reads_runs() {
                plain_run(rest)
            } else {
                0
            };
            if run > 0 {
                if self.at.is_none() && self.colon.is_some() {
                    self.port &= rest[..run].iter().all(u8::is_ascii_digit);
                }
                self.next += run as u64;
                rest = &rest[run..];
                continue;
            }
            if self.read(*byte) == Step::End {
                return Step::End;
            }
            rest = behind;
        }
        Step::More
    }

    /// Whether characters that end nothing can be read at once.
    fn reads_runs(&self) -> bool {
        self.blank.is_none() && self.escape.open().is_none() && !self.colour.goes_on()
    }

    fn read(&mut self, byte: u8) -> Step {
        let step = self.step(byte);
        if step == Step::More {
            self.next += 1;
        }
        step
    }

    fn step(&mut self, byte: u8) -> Step {
        let here = self.next;
        if self.colour.reads(byte) {
            return Step::More;
        }
        if let Some(blank) = self.blank
            && self.at.is_none()
        {
            let is_other = byte != b' ' && (ends_word(byte) || b":/?#%\\".contains(&byte));
            if is_other || here - blank > LONGEST_BEHIND_BLANK {
                return Step::End;
            }
        } else if byte == b' ' && self.is_in_password() && self.scheme != Scheme::None {
            self.blank = Some(here);
        } else if ends_word(byte) || (self.encoded && byte == b'&') {
            return Step::End;
        }
        if !self.encoded {
            return self.character(Character {
                byte,
                start: here,
                encoded: false,
            });
        }
        match self.escape.read(byte, here) {
            Some(character) if character.encoded && ends_word(character.byte) => Step::End,
            Some(character) => self.character(character),
            None => Step::More,
        }
    }

    fn character(&mut self, Character { byte, start, .. }: Character) -> Step {
        let end = self.next + 1;
        match byte {
            b'[' if start == self.start => return Step::End,
            b'/' | b'?' | b'#' if !self.is_in_password() => return Step::End,
            b'@' => self.at = Some(start..end),
            b':' if self.colon.is_none() => self.colon = Some(start..end),
            byte if self.at.is_none() => {
                if let Some(colon) = &self.colon {
                    self.named |= colon.end == start && b"${<%*".contains(&byte);
                    self.port &= byte.is_ascii_digit();
                }
            }
            _ => {}
        }
        Step::More
    }

    /// A slash ends an authority, but passwords are written with slashes in them all the same:
    /// what stands behind the colon is one if it can be no port.
    fn is_in_password(&self) -> bool {
        self.at.is_none() && self.colon.is_some() && !self.port && !self.named
    }

    /// Whether it is likely enough a password to be hidden before its end is known.
    pub(super) fn is_hidden_early(&self) -> bool {
        match self.scheme {
            Scheme::Web | Scheme::Other => self.blank.is_none() || self.at.is_some(),
            Scheme::None => self.is_in_password() || self.at.is_some(),
        }
    }

    /// What is secret in it, when nothing comes behind what was read; `text` is what was read.
    pub(super) fn secrets(&self, text: &[u8]) -> Vec<Range<u64>> {
        let Some(at) = &self.at else {
            return Vec::new();
        };
        let behind = slice(text, self.start, &(at.end..at.end + 1)).first();
        if self.blank.is_some()
            && !behind.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[')
        {
            return Vec::new();
        }
        let colon = self.colon.as_ref().filter(|colon| colon.start < at.start);
        let user = self.start..colon.map_or(at.start, |colon| colon.start);
        let password = colon.map_or(at.start, |colon| colon.end)..at.start;
        let is_token = self.scheme == Scheme::Web
            && (password.is_empty()
                || user.end - user.start >= SHORTEST_TOKEN
                || slice(text, self.start, &password) == b"x-oauth-basic");
        let mut secrets = Vec::new();
        if is_token {
            secrets.push(user);
        }
        secrets.push(password);
        secrets.retain(|range| !range.is_empty());
        secrets
    }
}

fn slice<'a>(text: &'a [u8], start: u64, range: &Range<u64>) -> &'a [u8] {
    let index = |position: u64| usize::try_from(position - start).unwrap_or(usize::MAX);
    text.get(index(range.start)..index(range.end))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn many_characters_at_once_are_read_as_one_by_one(
            text in "[a-c0-2:@]{0,6}(%3A|%40|\u{1b}\\[1m|[/?# $<]|)[a-c0-2:@/ \\[%]{0,12}",
            encoded in any::<bool>(),
            web in any::<bool>(),
        ) {
            let scheme = if web { Scheme::Web } else { Scheme::Other };
            let mut at_once = Authority::new(0, scheme, encoded);
            let mut by_byte = at_once.clone();
            at_once.read_on(text.as_bytes());
            let _ = text.bytes().any(|byte| by_byte.read(byte) == Step::End);
            let secrets = |of: &Authority| of.secrets(text.as_bytes());
            prop_assert_eq!(secrets(&at_once), secrets(&by_byte));
            prop_assert_eq!(format!("{at_once:?}"), format!("{by_byte:?}"));
        }
    }
}
