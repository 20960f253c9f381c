//! The part of a URL that names a user, read a byte at a time.

use std::ops::Range;

/// User names of web addresses that are this long are tokens: `https://TOKEN:x@host`.
const SHORTEST_TOKEN: u64 = 20;

/// What stands behind `scheme://`, as far as it was read. Positions are those of the stream.
#[derive(Clone, Debug)]
pub(super) struct Authority {
    pub(super) start: u64,
    /// The position of the next byte.
    pub(super) next: u64,
    /// The scheme is that of the web, where a user without a password is a token.
    web: bool,
    /// The first colon.
    colon: Option<u64>,
    /// The last `@`.
    at: Option<u64>,
    /// Everything behind the colon could be a port.
    port: bool,
    /// What stands behind the colon is a name of something, as in `http://host:$PORT/`.
    named: bool,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    End,
}

impl Authority {
    pub(super) fn new(start: u64, web: bool) -> Self {
        Self {
            start,
            next: start,
            web,
            colon: None,
            at: None,
            port: true,
            named: false,
        }
    }

    /// Reads the next byte.
    pub(super) fn read(&mut self, byte: u8) -> Step {
        let here = self.next;
        match byte {
            byte if ends_word(byte) => return Step::End,
            b'[' if here == self.start => return Step::End,
            b'/' | b'?' | b'#' if !self.is_in_password() => return Step::End,
            b'@' => self.at = Some(here),
            b':' if self.colon.is_none() => self.colon = Some(here),
            byte if self.colon.is_some() && self.at.is_none() => {
                self.named |= self.colon == Some(here - 1) && b"${<%*".contains(&byte);
                self.port &= byte.is_ascii_digit();
            }
            _ => {}
        }
        self.next += 1;
        Step::More
    }

    /// A slash ends an authority, but passwords are written with slashes in them all the same:
    /// what stands behind the colon is one if it can be no port.
    fn is_in_password(&self) -> bool {
        self.at.is_none() && self.colon.is_some() && !self.port && !self.named
    }

    /// What is secret in it, when nothing comes behind what was read; `text` is what was read.
    pub(super) fn secrets(&self, text: &[u8]) -> Vec<Range<u64>> {
        let Some(at) = self.at else {
            return Vec::new();
        };
        let user = self.start..self.colon.filter(|colon| *colon < at).unwrap_or(at);
        let password = (user.end + 1).min(at)..at;
        let is_token = self.web
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

/// What neither an address nor a password in one has in it.
fn ends_word(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b"'\"`<>".contains(&byte)
}
