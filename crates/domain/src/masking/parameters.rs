//! Secrets in the parameters and paths of URLs, read a byte at a time.
//!
//! Nothing is held back for them: what is secret begins behind its name.

use std::mem::take;
use std::ops::Range;

use super::escape::{Colour, Escape, ends_word, plain_run};
use super::known_names::Names;
use super::shapes::Part;

/// Longer names of parameters say nothing.
const LONGEST_NAME: usize = 64;
/// So much of a host and its path is compared with those below.
const LONGEST_PLACE: usize = 80;

/// What is behind one of these is a secret by itself.
const SECRET_PATHS: [&[u8]; 10] = [
    b"hooks.slack.com/services/",
    b"hooks.slack.com/workflows/",
    b"hooks.slack.com/triggers/",
    b"discord.com/api/webhooks/",
    b"discordapp.com/api/webhooks/",
    b"webhook.office.com/webhookb2/",
    b"outlook.office.com/webhook/",
    b"outlook.office365.com/webhook/",
    PATH_TO_A_WORD,
    b"hooks.zapier.com/hooks/catch/",
];

/// The one of them that ends within a word.
const PATH_TO_A_WORD: &[u8] = b"api.telegram.org/bot";
/// Where the last slash in it is.
const SLASH_OF_PATH: usize = PATH_TO_A_WORD.len() - 4;

/// The letters before the last slash of each.
static BEFORE_SLASHES: [bool; 256] = {
    let mut letters = [false; 256];
    let mut path = 0;
    while path < SECRET_PATHS.len() {
        let mut slash = SECRET_PATHS[path].len() - 1;
        while SECRET_PATHS[path][slash] != b'/' {
            slash -= 1;
        }
        let letter = SECRET_PATHS[path][slash - 1];
        letters[letter as usize] = true;
        letters[letter.to_ascii_uppercase() as usize] = true;
        path += 1;
    }
    letters
};

/// The search through one stream.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    word: Word,
    /// The word goes on.
    is_in_word: bool,
    names: Names,
    /// The position up to which everything was read.
    next: u64,
}

/// What stands behind the `//` of a URL, or behind `?` or `&`, up to the end of the word.
#[derive(Debug, Default)]
struct Word {
    escape: Escape,
    colour: Colour,
    /// Behind `//`.
    in_url: bool,
    /// The last character was a slash.
    slash: bool,
    /// The host and the path, as far as they were read.
    place: Vec<u8>,
    /// They may become `PATH_TO_A_WORD`.
    may_end_path: bool,
    name: Name,
    /// The separator before it.
    separator: u8,
    hidden: Option<Hidden>,
}

/// What stands between a separator and `=`, while it may be a name.
#[derive(Debug, Default)]
struct Name {
    text: Vec<u8>,
    goes_on: bool,
}

impl Name {
    fn begin(&mut self) {
        self.text.clear();
        self.goes_on = true;
    }

    fn push(&mut self, more: &[u8]) {
        self.goes_on &= self.text.len() + more.len() <= LONGEST_NAME;
        if self.goes_on {
            self.text.extend_from_slice(more);
        }
    }

    /// The name that ends here, if there is one.
    fn end(&mut self) -> Option<&[u8]> {
        take(&mut self.goes_on).then_some(&self.text)
    }
}

/// Whether a word goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    More,
    End,
}

#[derive(Debug)]
struct Hidden {
    start: u64,
    until: Until,
}

/// Where something secret ends, unless the word does before.
#[derive(Clone, Copy, Debug)]
enum Until {
    /// `&`.
    Parameter,
    /// `;` or `&`.
    Semicolon,
    /// `%26` or `&`.
    Encoded,
    /// `?`, `&` or `#`.
    Path,
}

impl Parameters {
    /// Reads a part; `urls` are the positions in it behind the `//` of URLs, in their order.
    /// Returns the position before which nothing can begin or end that was not added.
    pub(super) fn push(
        &mut self,
        part: Part<'_>,
        urls: &[u64],
        found: &mut Vec<Range<u64>>,
    ) -> u64 {
        let mut urls = urls.iter().copied().peekable();
        loop {
            if !self.is_in_word && !self.begin(part, &mut urls) {
                return part.end();
            }
            let rest = part.from(self.next);
            let read = self
                .word
                .read_on(rest, &mut self.next, &mut self.names, found);
            if read == Read::More {
                return self.word.settled(part.end(), found);
            }
            self.is_in_word = false;
        }
    }

    /// Nothing comes behind the part.
    pub(super) fn finish(&mut self, end: u64, found: &mut Vec<Range<u64>>) {
        if take(&mut self.is_in_word) {
            self.word.close(end, found);
        }
    }

    /// Goes to the next word that may have parameters.
    fn begin(
        &mut self,
        part: Part<'_>,
        urls: &mut std::iter::Peekable<impl Iterator<Item = u64>>,
    ) -> bool {
        while urls.next_if(|url| *url < self.next).is_some() {}
        self.next = self.next.max(part.start);
        let rest = part.from(self.next);
        let query = memchr::memchr2(b'?', b'&', rest).map(|at| self.next + at as u64);
        let url = urls.peek().copied();
        let in_url = url.is_some_and(|url| query.is_none_or(|query| url <= query));
        let Some(start) = (if in_url { url } else { query }) else {
            self.next = part.end();
            return false;
        };
        self.next = start;
        self.word.begin(in_url);
        self.is_in_word = true;
        true
    }
}

impl Word {
    /// Starts anew, in the memory of the last one.
    fn begin(&mut self, in_url: bool) {
        let (mut place, mut name) = (take(&mut self.place), take(&mut self.name));
        place.clear();
        name.goes_on = false;
        *self = Self {
            in_url,
            place,
            name,
            ..Self::default()
        };
    }

    /// Reads up to the end of the word; `next` is the position of the text, and then of the next
    /// byte.
    fn read_on(
        &mut self,
        text: &[u8],
        next: &mut u64,
        names: &mut Names,
        found: &mut Vec<Range<u64>>,
    ) -> Read {
        let mut rest = text;
        while let Some((byte, behind)) = rest.split_first() {
            let run = if self.reads_runs() {
                plain_run(rest)
            } else {
                0
            };
            if run > 0 {
                self.read_run(&rest[..run]);
                rest = &rest[run..];
                *next += run as u64;
                continue;
            }
            rest = behind;
            *next += 1;
            if self.read(*byte, *next - 1, names, found) == Read::End {
                return Read::End;
            }
        }
        Read::More
    }

    /// Whether characters that end nothing can be read at once.
    fn reads_runs(&self) -> bool {
        self.escape.open().is_none() && !self.colour.goes_on() && !self.may_end_path
    }

    /// Reads characters that end nothing and mean nothing else.
    fn read_run(&mut self, run: &[u8]) {
        if self.hidden.is_some() {
            return;
        }
        self.name.push(run);
        self.slash = false;
        if self.in_url {
            let room = LONGEST_PLACE.saturating_sub(self.place.len());
            self.place.extend_from_slice(&run[..room.min(run.len())]);
        }
    }

    /// Reads a byte, unless the word ends before it.
    fn read(
        &mut self,
        byte: u8,
        here: u64,
        names: &mut Names,
        found: &mut Vec<Range<u64>>,
    ) -> Read {
        if self.colour.reads(byte) {
            return Read::More;
        }
        if ends_word(byte) {
            self.close(here, found);
            return Read::End;
        }
        // No parameter has one, so it belongs to what is around the URL.
        let in_path = matches!(
            self.hidden,
            Some(Hidden {
                until: Until::Path,
                ..
            })
        );
        if byte == b'\\' && !in_path {
            self.close(here, found);
        }
        let Some(character) = self.escape.read(byte, here) else {
            return Read::More;
        };
        let byte = character.byte;
        if let Some(hidden) = &self.hidden {
            let ends = match hidden.until {
                _ if !character.encoded && byte == b'&' => true,
                Until::Parameter => false,
                Until::Semicolon => !character.encoded && byte == b';',
                Until::Encoded => character.encoded && (byte == b'&' || ends_word(byte)),
                Until::Path => !character.encoded && (byte == b'?' || byte == b'#'),
            };
            if !ends {
                // A comparison, as in `a&&key==b`.
                if hidden.start == here && byte == b'=' {
                    self.hidden = None;
                }
                return Read::More;
            }
            self.close(character.start, found);
        }
        match byte {
            b'?' | b'&' => self.begin_name(byte),
            b'#' | b';' | b':' if self.in_url || self.name.goes_on => self.begin_name(byte),
            b'=' => {
                let secret = self.name.end().is_some_and(|name| names.is_secret(name));
                let until = match self.separator {
                    _ if character.encoded => Until::Encoded,
                    b';' => Until::Semicolon,
                    _ => Until::Parameter,
                };
                let start = here + 1;
                self.hidden = secret.then_some(Hidden { start, until });
            }
            byte => self.name.push(&[byte]),
        }
        self.place(byte, here);
        Read::More
    }

    fn begin_name(&mut self, separator: u8) {
        self.separator = separator;
        self.name.begin();
    }

    /// Looks where in a URL it is.
    fn place(&mut self, byte: u8, here: u64) {
        let slashes = self.slash && byte == b'/';
        self.slash = byte == b'/';
        if slashes {
            self.in_url = true;
        }
        if slashes || byte == b'@' {
            self.place.clear();
            self.may_end_path = false;
        } else if self.in_url && self.place.len() < LONGEST_PLACE {
            self.place.push(byte);
            if self.may_end_path || (byte == b'/' && self.may_be_path()) {
                self.path(here);
            }
        }
    }

    /// Whether what stands before a slash is worth a longer look.
    fn may_be_path(&self) -> bool {
        let before = self.place.len().checked_sub(2);
        before.is_some_and(|at| BEFORE_SLASHES[usize::from(self.place[at])])
    }

    /// Looks whether what follows is a secret by its place.
    fn path(&mut self, here: u64) {
        let ends_with = |path: &[u8]| {
            let end = self.place.len().checked_sub(path.len());
            end.is_some_and(|end| self.place[end..].eq_ignore_ascii_case(path))
        };
        let of_path = SLASH_OF_PATH + 1..PATH_TO_A_WORD.len();
        self.may_end_path = of_path.rev().any(|end| ends_with(&PATH_TO_A_WORD[..end]));
        if self.hidden.is_none() && SECRET_PATHS.iter().any(|path| ends_with(path)) {
            self.hidden = Some(Hidden {
                start: here + 1,
                until: Until::Path,
            });
        }
    }

    fn close(&mut self, end: u64, found: &mut Vec<Range<u64>>) {
        if let Some(hidden) = self.hidden.take()
            && hidden.start < end
        {
            found.push(hidden.start..end);
        }
    }

    /// Everything that was read is told apart, but for an escape that could end something.
    fn settled(&self, end: u64, found: &mut Vec<Range<u64>>) -> u64 {
        let Some(hidden) = &self.hidden else {
            return end;
        };
        let settled = match hidden.until {
            Until::Encoded => self.escape.open().unwrap_or(end),
            Until::Parameter | Until::Semicolon | Until::Path => end,
        };
        if hidden.start < settled {
            found.push(hidden.start..settled);
        }
        settled
    }
}

#[cfg(test)]
mod tests;
